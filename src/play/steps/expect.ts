import { listEntries } from "../../kernel/conntrack/table.ts";
import { int32, object, string } from "../../manifest/schema.ts";
import { nodeIn, serviceIn } from "../addresses.ts";
import { type AffinityEntry, affinityEntries } from "../affinity.ts";
import { checkServer, type ServerWish, serverWishSchema } from "../expect-server.ts";
import { entryProtocol, entryText, leadsTo } from "../node-state.ts";
import { type ScriptPath, type StepKind, stepKind } from "../step.ts";
import { labelled, sideText } from "../story.ts";
import type { World } from "../world.ts";

interface ConntrackWish {
  readonly node?: string;
  readonly proto?: string;
  /** `ADDRESS:PORT` of the client. */
  readonly from?: string;
  /** `ADDRESS:PORT` that was called. */
  readonly to?: string;
  /** `ADDRESS:PORT` that it was sent on to. */
  readonly endpoint?: string;
  readonly count?: number;
}

interface AffinityWish {
  readonly node?: string;
  readonly of?: string;
  readonly client?: string;
  /** `ADDRESS:PORT`, or `none`. */
  readonly endpoint?: string;
}

interface Value {
  readonly conntrack?: ConntrackWish;
  readonly affinity?: AffinityWish;
  readonly server?: ServerWish;
}

const fits = (wish: string | undefined, actual: string): boolean => wish === undefined || wish === actual;

function entriesOf(world: World, node: string, wish: ConntrackWish): readonly string[] {
  return listEntries(world.state.of(node))
    .filter((entry) => {
      const { original } = entry;
      return (
        fits(wish.proto, entryProtocol(entry)) &&
        fits(wish.from, sideText(original, original.src, original.sport)) &&
        fits(wish.to, sideText(original, original.dst, original.dport)) &&
        fits(wish.endpoint, leadsTo(entry))
      );
    })
    .map(entryText);
}

function checkConntrack(world: World, node: string, wish: ConntrackWish): readonly string[] {
  const found = entriesOf(world, node, wish);
  const met = wish.count === undefined ? found.length > 0 : found.length === wish.count;
  if (met) return [];
  const wanted = wish.count === undefined ? "at least one connection" : `${wish.count} connections`;
  const all = entriesOf(world, node, {});
  return [`expected ${wanted} of these on ${node}, found ${found.length}; there are: ${all.join("; ") || "none"}`];
}

function checkAffinity(world: World, node: string, wish: AffinityWish, at: ScriptPath): readonly string[] {
  const service = wish.of === undefined ? "" : serviceIn(world, wish.of, [...at, "of"]);
  const isOf = (entry: AffinityEntry): boolean =>
    fits(wish.client, entry.client) &&
    (service === "" || entry.service === service || entry.service.startsWith(`${service}:`));
  const found = affinityEntries(world, node).filter(isOf);
  const endpoints = found.map((entry) => entry.endpoint);
  const { endpoint = "" } = wish;
  const met =
    endpoint === "none" ? found.length === 0 : endpoint === "" ? found.length > 0 : endpoints.includes(endpoint);
  if (met) return [];
  return [
    `expected affinity ${endpoint === "" ? "to some endpoint" : endpoint} on ${node}, found ${endpoints.join(", ") || "none"}`,
  ];
}

/** `expect`, alone: what a node holds. */
export const expect: StepKind = stepKind<Value>(
  "expect",
  object({
    conntrack: object({ node: string, proto: string, from: string, to: string, endpoint: string, count: int32 }),
    affinity: object({ node: string, of: string, client: string, endpoint: string }),
    server: serverWishSchema,
  }),
  (value, { at, reading }) => {
    const { conntrack, affinity, server } = value;
    if (conntrack === undefined && affinity === undefined && server === undefined)
      reading.fault(
        at,
        "missing-field",
        "alone, expect asks for conntrack, affinity or server; beside connect, send, … for what came of it",
      );
    for (const [name, wish] of Object.entries({ conntrack, affinity, server }))
      if (wish !== undefined && wish.node === undefined)
        reading.fault([...at, name], "missing-field", "Required value: node");
    return (world) => {
      const nodeOf = (name: keyof Value): string => nodeIn(world, value[name]?.node ?? "", [...at, name, "node"]);
      const failures = [
        ...(conntrack === undefined ? [] : checkConntrack(world, nodeOf("conntrack"), conntrack)),
        ...(affinity === undefined ? [] : checkAffinity(world, nodeOf("affinity"), affinity, [...at, "affinity"])),
        ...(server === undefined ? [] : checkServer(world, nodeOf("server"), server, [...at, "server"])),
      ];
      const title = Object.entries(value)
        .map(
          ([name, wish]) =>
            `${name} ${Object.entries(wish ?? {})
              .map(([field, text]) => `${field} ${text}`)
              .join(", ")}`,
        )
        .join("; ");
      return {
        title,
        lines: failures.length === 0 ? [labelled("as expected", "").trimEnd()] : [],
        data: { ...value },
        failures,
      };
    };
  },
);
