import { listEntries } from "../../kernel/conntrack/table.ts";
import { string } from "../../manifest/schema.ts";
import { readDuration, timeText } from "../clock.ts";
import { ipvsStory } from "../ipvs-story.ts";
import { entryText } from "../node-state.ts";
import { passTime } from "../pass-time.ts";
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
    const { ipvs, deleted } = passTime(world, world.now);
    const swept = new Set(deleted.map(({ entry }) => entry));
    const gone = before.filter(({ node, entry }) => {
      const isOver = entry.dead || entry.expires <= world.state.of(node).now;
      return isOver && !swept.has(entry);
    });
    const { lines, data } = ipvsStory(ipvs, world.scene.network.nodes);
    const entries = (list: readonly NodeEntry[]) => list.map(({ node, entry }) => ({ node, entry: entryText(entry) }));
    return told(
      timeText(milliseconds),
      [
        ...gone.map(({ node, entry }) => labelled("expired", `${entryText(entry)} on ${node}`)),
        ...deleted.map(({ node, entry }) =>
          labelled("deleted", `${entryText(entry)} on ${node}, by kube-proxy's clean-up`),
        ),
        ...lines,
      ],
      {
        milliseconds,
        expired: entries(gone),
        ...(world.settings.mode === "ipvs" ? { ipvs: data, deleted: entries(deleted) } : {}),
      },
      lines,
    );
  };
});
