import { formatListing } from "../../kernel/conntrack/listing.ts";
import { countedConnections, countedTable } from "../../kernel/ipvs/counted-table.ts";
import { object, string } from "../../manifest/schema.ts";
import { formatIPVSConnections } from "../../rules/ipvs/connections.ts";
import { formatIPVSListing } from "../../rules/ipvs/format.ts";
import { nodeIn } from "../addresses.ts";
import { affinityEntries } from "../affinity.ts";
import { timeText } from "../clock.ts";
import { ipvsTableOf } from "../ipvs-table.ts";
import { type ScriptPath, type StepKind, stepKind, told } from "../step.ts";
import type { World } from "../world.ts";

type Lister = (world: World, node: string, at: ScriptPath) => readonly string[];

const linesOf = (text: string): readonly string[] => text.split("\n").filter((line) => line !== "");

/** What can be shown of a node, each as its own tool prints it where there is one. */
const listers: Readonly<Record<string, Lister>> = {
  conntrack: (world, node) => linesOf(formatListing(world.state.of(node))),
  affinity: (world, node) =>
    affinityEntries(world, node).map(({ service, client, endpoint, virtualServer, left }) => {
      const by = virtualServer === undefined ? "" : ` (${virtualServer})`;
      return `${client} comes back to ${endpoint} of ${service}${by} for ${timeText(left)}`;
    }),
  "ipvsadm-ln": (world, node, at) =>
    linesOf(formatIPVSListing(countedTable(ipvsTableOf(world, node, at), world.state.of(node)))),
  "ipvsadm-lnc": (world, node, at) => {
    ipvsTableOf(world, node, at);
    return linesOf(formatIPVSConnections(countedConnections(world.state.of(node))));
  },
};
const words = Object.keys(listers);

/**
 * `show`: a node's connections as `conntrack -L` lists them, the clients whose endpoint it remembers, or in ipvs mode its virtual
 * servers and their connections as `ipvsadm -Ln` and `ipvsadm -Lnc` list them.
 */
export const show: StepKind = stepKind<Readonly<Record<string, string>>>(
  "show",
  object(Object.fromEntries(words.map((word) => [word, string]))),
  (value, { at, reading }) => {
    const given = words.filter((word) => value[word] !== undefined);
    const [what = "", other] = given;
    if (what === "" || other !== undefined)
      reading.fault(at, "one-of", `exactly one of ${words.join(", ")} is needed, each with the name of a node`);
    return (world) => {
      const node = nodeIn(world, value[what] ?? "", [...at, what]);
      const lines = listers[what]?.(world, node, [...at, what]) ?? [];
      return told(`${what} of ${node}`, lines.length === 0 ? ["none"] : lines, { node, [what]: lines });
    };
  },
);
