import { explore } from "../kernel/chooser/explore.ts";
import { compareText } from "../net/compare.ts";
import { hasArrived } from "../network/end.ts";
import { type Connection, type Spoken, speak } from "./connection.ts";
import { dialogue } from "./dialogue.ts";
import type { ResultWord } from "./expectation.ts";
import { ipvsStory, nodesText } from "./ipvs-story.ts";
import type { NodeChange } from "./node-changes.ts";
import { entryText } from "./node-state.ts";
import { endText, labelled, leadsTo, outcomeOf } from "./story.ts";
import type { NodeEntry, Synced } from "./sync.ts";
import type { World } from "./world.ts";

/** Ways of one packet that are looked at for a forecast. */
const MOST_WAYS = 256;

/** What the next packet of an open connection would meet. */
export interface Forecast {
  readonly connection: string;
  /** All that can come of it, in words; one where nothing is left to chance. */
  readonly outcomes: readonly string[];
  /** It goes on to where it led, and is answered. */
  readonly asBefore: boolean;
}

function forecastOf(world: World, connection: Connection): Forecast {
  const lines = dialogue(connection.ends.protocol, "send", "client") ?? [];
  const stage = { network: world.scene.network, state: world.state };
  const before = leadsTo(connection);
  const asBefore = `goes on to ${before}`;
  const { branches, complete } = explore(
    world.state,
    (chooser) => {
      const assumptions: [] = [];
      const spoke = speak({ ...stage, chooser: { ...choices(chooser), assumptions } }, connection, lines);
      const outcome = outcomeOf(spoke.spoken);
      if (outcome.result !== "delivered") return `${verdictText(outcome.result)}${whyNot(world, spoke.spoken)}`;
      const now = leadsTo(spoke.connection);
      const answered = outcome.reply === "as-called" ? "" : `, reply ${outcome.reply}`;
      return `${now === before ? "goes on to" : "moves to"} ${now}${answered}`;
    },
    { branches: MOST_WAYS },
  );
  const ways = [...new Set(branches.map(({ value }) => value))].sort(compareText);
  const assumed = ways.length > 1 && branches.some(({ assumptions }) => assumptions.length > 0);
  const outcomes = assumed ? [...ways, "depending on what is not modelled"] : ways;
  return {
    connection: connection.name,
    outcomes: complete ? outcomes : [...outcomes, "and other ways"],
    asBefore: complete && outcomes.every((text) => text === asBefore),
  };
}

const verdictText = (result: ResultWord): string => (result === "nobody" ? "reaches nobody" : `is ${result}`);

/** Why a connection's next packet would not arrive. */
function whyNot({ scene }: World, spoken: readonly Spoken[]): string {
  const last = spoken.at(-1);
  if (last === undefined) return "";
  if (last.fate.kind === "not-sent") return `: ${last.fate.why}`;
  const end = last.way?.end;
  return end === undefined || hasArrived(end) ? "" : `: ${endText(scene, end)}`;
}

/** The questions of a chooser as plain functions. */
function choices(chooser: Parameters<Parameters<typeof explore>[1]>[0]): typeof chooser {
  return {
    below: (threshold) => chooser.below(threshold),
    share: (shares) => chooser.share(shares),
    port: (range, isFree) => chooser.port(range, isFree),
    unknown: (what) => chooser.unknown(what),
  };
}

/** What would become of each open connection if its client sent something now. The states are as before when it returns. */
export function forecasts(world: World): readonly Forecast[] {
  return [...world.connections.values()]
    .filter(({ status }) => status === "open")
    .map((connection) => forecastOf(world, connection));
}

const words: Readonly<
  Record<NodeChange["what"], { readonly label: string; readonly one: string; readonly many: string }>
> = {
  rule: { label: "rules", one: "rule", many: "rules" },
  "set entry": { label: "sets", one: "entry", many: "entries" },
  "bound address": { label: "addresses", one: "address", many: "addresses" },
};

function changeLine(change: NodeChange, all: readonly string[]): string {
  const { what, service, family, nodes, added, removed } = change;
  const count = [added > 0 ? `+${added}` : "", removed > 0 ? `-${removed}` : ""]
    .filter((text) => text !== "")
    .join(" ");
  const { label, one, many } = words[what];
  const named = added + removed === 1 ? one : many;
  return labelled(label, `${count} ${family} ${named} of ${service} on ${nodesText(nodes, all)}`);
}

const entryLine =
  (label: string, why: string) =>
  ({ node, entry }: NodeEntry): string =>
    labelled(label, `${entryText(entry)} on ${node}${why}`);

/** Those that something changes for, each with what, then the others together. */
function nextLines(coming: readonly Forecast[]): readonly string[] {
  const same = coming.filter(({ asBefore }) => asBefore).map(({ connection }) => connection);
  return [
    ...coming
      .filter(({ asBefore }) => !asBefore)
      .map(({ connection, outcomes }) => labelled("next", `${connection} ${outcomes.join(", or ")}`)),
    ...(same.length === 0 ? [] : [labelled("next", `as before: ${same.join(", ")}`)]),
  ];
}

/** What a change did, and what it means for open connections: lines, and the same as data. */
export function changeStory(
  world: World,
  synced: Synced,
): {
  readonly lines: readonly string[];
  readonly data: Readonly<Record<string, unknown>>;
  readonly notes: readonly string[];
} {
  const { rules, deleted, flushed, left } = synced;
  const all = world.scene.network.nodes;
  const coming = forecasts(world);
  const entries = (list: readonly NodeEntry[]) => list.map(({ node, entry }) => ({ node, entry: entryText(entry) }));
  const servers = ipvsStory(synced.ipvs, all);
  const unchanged = rules.some(({ what }) => what === "rule") ? [] : [labelled("rules", "none changed")];
  return {
    lines: [
      ...unchanged,
      ...rules.map((change) => changeLine(change, all)),
      ...servers.lines,
      ...deleted.map(entryLine("deleted", ", by kube-proxy's clean-up")),
      ...flushed.map(entryLine("deleted", ", because the interface it was masqueraded for is gone")),
      ...left.map(entryLine("left", ": no endpoint any more")),
      ...nextLines(coming),
    ],
    notes: servers.lines,
    data: {
      rules,
      ...(world.settings.mode === "ipvs" ? { ipvs: servers.data } : {}),
      deleted: entries(deleted),
      flushed: entries(flushed),
      left: entries(left),
      next: coming,
    },
  };
}
