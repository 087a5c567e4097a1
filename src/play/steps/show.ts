import { formatListing } from "../../kernel/conntrack/listing.ts";
import { object, string } from "../../manifest/schema.ts";
import { nodeIn } from "../addresses.ts";
import { timeText } from "../clock.ts";
import { affinityEntries } from "../node-state.ts";
import { type StepKind, stepKind, told } from "../step.ts";
import type { World } from "../world.ts";

interface Value {
  readonly conntrack?: string;
  readonly affinity?: string;
}

function affinityLines(world: World, node: string): readonly string[] {
  return affinityEntries(world, node).map(
    ({ service, client, endpoint, left }) => `${client} comes back to ${endpoint} of ${service} for ${timeText(left)}`,
  );
}

/** `show`: a node's connections as `conntrack -L` lists them, or the clients whose endpoint it remembers. */
export const show: StepKind = stepKind<Value>(
  "show",
  object({ conntrack: string, affinity: string }),
  (value, { at, reading }) => {
    const { conntrack, affinity } = value;
    if ((conntrack === undefined) === (affinity === undefined))
      reading.fault(at, "one-of", "exactly one of conntrack, affinity is needed, each with the name of a node");
    return (world) => {
      const what = conntrack === undefined ? "affinity" : "conntrack";
      const node = nodeIn(world, value[what] ?? "", [...at, what]);
      const listing = formatListing(world.state.of(node))
        .split("\n")
        .filter((line) => line !== "");
      const lines = what === "conntrack" ? listing : affinityLines(world, node);
      return told(`${what} of ${node}`, lines.length === 0 ? ["none"] : lines, { node, [what]: lines });
    };
  },
);
