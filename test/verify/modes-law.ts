import { subjectsAt } from "../../src/assembly/subjects.ts";
import { packetText } from "../../src/kernel/packet-text.ts";
import { isOwnAddress } from "../../src/kernel/run.ts";
import { type IPFamily, ipFamilies } from "../../src/net/family.ts";
import { parseIP } from "../../src/net/ip.ts";
import { seededRandom } from "../../src/net/random.ts";
import { addressOf } from "../../src/network/addresses.ts";
import { sampleCluster } from "../../src/sample/cluster.ts";
import { compareAndGroup } from "../../src/verify/equivalence/report.ts";
import { fatesLines } from "../../src/verify/equivalence/words.ts";
import { placeOf, settingOf, weightsFor } from "../intent/place.ts";

/** What the comparison of modes over one sampled cluster found. */
export interface ModesFound {
  readonly classes: number;
  readonly differing: number;
  readonly excused: ReadonlyMap<string, number>;
  /** Differences that nothing explains, in words. */
  readonly findings: readonly string[];
}

/** One of a cluster's nodes with one of the families, by the seed: of more clusters in the same time. */
export function oneOf(seed: string | number, nodes: readonly string[]): (node: string, family: IPFamily) => boolean {
  const random = seededRandom(`one node ${seed}`);
  const chosen = nodes.length === 0 ? undefined : random.pick(nodes);
  const wanted = random.pick(ipFamilies);
  return (node, family) => node === chosen && family === wanted;
}

/** What of a cluster's nodes is looked at: all of them in both families unless it is said. */
export interface LawScope {
  readonly services?: number;
  readonly oneNode?: boolean;
}

/** Compares iptables and ipvs mode on the nodes of the cluster of a seed; `undefined` where kube-proxy would not start, or where an address is
 * on several nodes. */
export function compareModes(seed: string | number, { services, oneNode }: LawScope = {}): ModesFound | undefined {
  const weights = weightsFor(37);
  const setting = settingOf(sampleCluster(seed, services === undefined ? { weights } : { weights, services }));
  const [left, right] = [placeOf(setting, "iptables"), placeOf(setting, "ipvs")];
  if (left === undefined || right === undefined) return undefined;
  // objects that put an address on two nodes leave open where it is
  if (left.ambiguous.size > 0) return undefined;
  const excused = new Map<string, number>();
  const findings: string[] = [];
  let [classes, differing] = [0, 0];
  const { cluster } = left;
  const isWanted = oneNode === true ? oneOf(seed, left.network.nodes) : () => true;
  for (const node of left.network.nodes) {
    const [a, b] = [left.network.node(node)?.host, right.network.node(node)?.host];
    if (a === undefined || b === undefined) continue;
    const isNode = (text: string): boolean => {
      const ip = parseIP(text);
      return ip !== undefined && isOwnAddress(a, addressOf(ip));
    };
    const naming = { subjectOf: subjectsAt(cluster, node, isNode), senderOf: () => "" };
    for (const family of ipFamilies) {
      if (!isWanted(node, family)) continue;
      const found = compareAndGroup({ name: "iptables", host: a }, { name: "ipvs", host: b }, family, naming);
      classes += found.classes;
      differing += found.differing;
      for (const [id, count] of found.excused) excused.set(id, (excused.get(id) ?? 0) + count);
      for (const { intended, example, fates, subject } of found.groups) {
        if (intended !== undefined) continue;
        const sides = fates.map((each) => fatesLines(each).join("; "));
        findings.push(
          `seed ${seed}, ${node}: ${packetText(example)} (${subject?.port ?? "no Service"}, ${subject?.by ?? ""}${subject?.localOnly ? ", Local" : ""}): ${sides.join("  AGAINST  ")}`,
        );
      }
    }
  }
  return { classes, differing, excused, findings };
}
