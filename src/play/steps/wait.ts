import { listEntries } from "../../kernel/conntrack/table.ts";
import { string } from "../../manifest/schema.ts";
import { readDuration, timeText } from "../clock.ts";
import { entryText } from "../node-state.ts";
import { type StepKind, stepKind, told } from "../step.ts";
import { labelled } from "../story.ts";
import type { NodeEntry } from "../sync.ts";
import type { World } from "../world.ts";

function living(world: World): readonly NodeEntry[] {
  return world.scene.network.nodes.flatMap((node) =>
    listEntries(world.state.of(node)).map((entry) => ({ node, entry })),
  );
}

/** `wait`: time passes on all nodes; connections whose time is over are gone. */
export const wait: StepKind = stepKind<string>("wait", string, (value, { at, reading }) => {
  const time = readDuration(value);
  if (typeof time === "string") reading.fault(at, "invalid-value", `Invalid value: ${time}`);
  const milliseconds = typeof time === "number" ? time : 0;
  return (world) => {
    const before = living(world);
    world.now += milliseconds;
    for (const node of world.scene.network.nodes) {
      const host = world.state.of(node);
      host.advance(world.now - host.now);
    }
    const gone = before.filter(({ node, entry }) => entry.expires <= world.state.of(node).now);
    const lines = gone.map(({ node, entry }) => labelled("expired", `${entryText(entry)} on ${node}`));
    return told(timeText(milliseconds), lines, {
      milliseconds,
      expired: gone.map(({ node, entry }) => ({ node, entry: entryText(entry) })),
    });
  };
});
