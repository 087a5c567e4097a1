import { intentOf } from "../../src/intent/intent.ts";
import { packetText } from "../../src/kernel/packet-text.ts";
import { type IPFamily, ipFamilies } from "../../src/net/family.ts";
import { sampleCluster } from "../../src/sample/cluster.ts";
import { fateKey, fateOf } from "../../src/verify/equivalence/fate.ts";
import type { Deviation } from "../../src/verify/promises/deviations.ts";
import { type Held, type HeldNode, holdToPromises, type Wrong } from "../../src/verify/promises/hold.ts";
import type { LawOptions } from "../intent/law.ts";
import { type Mode, type Place, placeOf, settingOf, weightsFor } from "../intent/place.ts";
import { oneOf } from "./modes-law.ts";

/** What holding one sampled cluster's nodes to promises found. */
export interface PromisesFound {
  readonly classes: number;
  /** Classes of which something is promised, by kind of promise. */
  readonly promised: ReadonlyMap<string, number>;
  /** Ways whose end is not known. */
  readonly unknown: number;
  /** Classes that each entry of the list of deviations explains. */
  readonly excused: ReadonlyMap<string, number>;
  /** What nothing explains, in words. */
  readonly findings: readonly string[];
}

export interface PromisesOptions extends Pick<LawOptions, "minor" | "misread" | "misjudge"> {
  readonly services?: number;
  readonly oneNode?: boolean;
  readonly list?: readonly Deviation[];
  readonly enough?: number;
}

/** Nodes of a cluster and what is promised there; those that objects put an address of on two nodes are left out. */
export function heldNodes(
  place: Place,
  { misread, misjudge, list }: PromisesOptions = {},
  isWanted: (node: string, family: IPFamily) => boolean = () => true,
): readonly HeldNode[] {
  const facts = misjudge?.(place.facts) ?? place.facts;
  const intent = intentOf(misread?.(place.cluster) ?? place.cluster, facts);
  return place.network.nodes.flatMap((node) =>
    ipFamilies.flatMap((family): HeldNode[] => {
      if (!isWanted(node, family)) return [];
      const [host, without] = [place.network.node(node)?.host, place.without.node(node)?.host];
      if (host === undefined || without === undefined) return [];
      return [{ node, family, host, without, network: place.network, intent, facts, ...(list && { list }) }];
    }),
  );
}

function findingText({ class: found }: Held, { breaches, way }: Wrong): string {
  const { outcome, service, clauses } = found.promise ?? {};
  const promised = outcome?.kind === "endpoints" ? [...outcome.allowed.keys].join() : JSON.stringify(outcome);
  return [
    `${breaches.join("+")}: ${found.asked.from}@${found.asked.node} ${packetText(found.packet)}`,
    `${service?.value.metadata.namespace}/${service?.value.metadata.name}`,
    fateKey(fateOf(found.class.packet, way)),
    `promised ${promised}`,
    clauses?.map(({ field }) => field).join(" ") ?? "",
  ].join("; ");
}

const count = (into: Map<string, number>, key: string): void => void into.set(key, (into.get(key) ?? 0) + 1);

/** Holds all nodes of the cluster of a seed, in a mode, to promises; `undefined` as for `compareModes`. */
export function holdSample(
  seed: string | number,
  mode: Mode,
  options: PromisesOptions = {},
): PromisesFound | undefined {
  const { minor = 37, services, oneNode, enough = Number.POSITIVE_INFINITY } = options;
  const weights = weightsFor(minor);
  const sample = sampleCluster(seed, services === undefined ? { weights } : { weights, services });
  const place = placeOf(settingOf(sample), mode, minor);
  if (place === undefined || place.ambiguous.size > 0) return undefined;
  const [promised, excused] = [new Map<string, number>(), new Map<string, number>()];
  const findings: string[] = [];
  let [classes, unknown] = [0, 0];
  const isWanted = oneNode === true ? oneOf(seed, place.network.nodes) : () => true;
  for (const node of heldNodes(place, options, isWanted)) {
    for (const held of holdToPromises(node)) {
      classes++;
      unknown += held.unknown;
      if (held.standing === "said") count(promised, held.class.promise?.outcome.kind ?? "");
      const ids = held.wrong.map(({ deviation }) => deviation?.id);
      for (const id of new Set(ids)) if (id !== undefined) count(excused, id);
      const news = held.wrong.find(({ deviation }) => deviation === undefined);
      if (news !== undefined) findings.push(`seed ${seed}, ${mode}: ${findingText(held, news)}`);
      if (findings.length >= enough) return { classes, promised, unknown, excused, findings };
    }
  }
  return { classes, promised, unknown, excused, findings };
}
