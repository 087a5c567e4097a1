import { type FeatureUnit, featureNames } from "../../src/sample/features.ts";

/** Choices of which several ways show in one place. */
const MANY: ReadonlySet<string> = new Set(["service.range", "service.ipMode", "slice.count"]);

/** Pairs that cannot stand together, with the reason; the texts are beginnings of names. */
const excluded: readonly (readonly [RegExp, RegExp, string])[] = [
  [/^config\.detectLocalMode=Bridge/, /^config\.detectLocal=(absent|prefix)/, "kube-proxy does not start"],
  [/^config\.detectLocalMode=InterfaceName/, /^config\.detectLocal=(absent|bridge)/, "kube-proxy does not start"],
  [/^service\.ports=none/, /^port\./, "no port"],
  [/^service\.ports=none/, /^slice\.ports=(?!none)/, "slice ports are made from those of the Service"],
  [/^service\.ports=(two|three)/, /^port\.name=unnamed/, "several ports must have names"],
  [/^service\.stray=true/, /^service\.type=LoadBalancer/, "the type may have every field"],
  [/^service\.ranges=none/, /^service\.range=/, "no range"],
  [/^service\.ingress=(none|hostname)/, /^service\.ipMode=/, "no ingress address"],
  [/^service\.clusterIP=(None|absent)/, /^service\.spelling=/, "no address"],
  [/^service\.families=IPv4$/, /^service\.spelling=(upper-case|long)/, "IPv4 has no such spelling"],
  [/^service\.families=IPv6$/, /^service\.spelling=(zeros|mapped)/, "IPv6 has no such spelling"],
  [/^slice\.endpoints=none/, /^(endpoint\.|slice\.(state|hints)=)/, "no endpoint"],
  [/^slice\.addressType=other/, /^slice\.endpoints=none/, "told by the addresses"],
  [/^slice\.addressType=FQDN/, /^endpoint\.address=other family/, "FQDN is no family"],
  [/^slice\.state=ready/, /^endpoint\.(ready=(?!true)|serving=(?!true)|terminating=(?!false))/, "another state"],
  [/^slice\.state=terminating/, /^endpoint\.(ready=(?!false)|serving=(?!true)|terminating=(?!true))/, "another state"],
  [/^slice\.state=unready/, /^endpoint\.(ready=(?!false)|serving=(?!false)|terminating=(?!false))/, "another state"],
  [/^slice\.state=none ready/, /^endpoint\.ready=(?!false)/, "another state"],
  [/^slice\.hints=(none|nodes)/, /^endpoint\.zoneHint=(?!none)/, "other hints"],
  [/^slice\.hints=(none|zones)/, /^endpoint\.nodeHint=(?!none)/, "other hints"],
  [/^slice\.hints=zones/, /^endpoint\.zoneHint=none/, "other hints"],
  [/^slice\.hints=nodes/, /^endpoint\.nodeHint=none/, "other hints"],
];

const choiceOf = (name: string): string => name.split("=")[0] ?? "";

/** Can two features stand together, in one Service and what belongs to it? */
function isPossible(a: string, b: string): boolean {
  if (choiceOf(a) === choiceOf(b)) return MANY.has(choiceOf(a));
  return !excluded.some(([x, y]) => (x.test(a) && y.test(b)) || (x.test(b) && y.test(a)));
}

const keyOf = (a: string, b: string): string => (a < b ? `${a} + ${b}` : `${b} + ${a}`);

/** Equal lists once. */
function distinct(lists: readonly (readonly string[])[]): readonly (readonly string[])[] {
  return [...new Map(lists.map((list) => [list.join(" "), list])).values()];
}

function* pairsWithin(names: readonly string[]): Iterable<string> {
  for (let i = 0; i < names.length; i++) {
    for (let j = i + 1; j < names.length; j++) yield keyOf(names[i] ?? "", names[j] ?? "");
  }
}

function* pairsBetween(left: readonly string[], right: readonly string[]): Iterable<string> {
  for (const a of left) for (const b of right) yield keyOf(a, b);
}

/** The pairs of features that stand together in a Service and what belongs to it; see FeatureCoverage. */
function* pairsOf({ cluster, service, ports, slices }: FeatureUnit): Iterable<string> {
  const outer = [...cluster, ...service];
  const ofPorts = [...new Set(ports.flat())];
  const ofSlices = [...new Set(slices.flatMap(({ slice, endpoints }) => [...slice, ...endpoints.flat()]))];
  yield* pairsWithin(outer);
  for (const port of distinct(ports)) yield* pairsWithin(port);
  for (const { slice, endpoints } of slices) {
    yield* pairsWithin(slice);
    for (const endpoint of distinct(endpoints)) yield* pairsWithin([...slice, ...endpoint]);
  }
  yield* pairsBetween(outer, [...ofPorts, ...ofSlices]);
  yield* pairsBetween(ofPorts, ofSlices);
}

/** Every feature of a Service and what belongs to it. */
function namesOf({ cluster, service, ports, slices }: FeatureUnit): readonly string[] {
  const ofSlices = slices.flatMap(({ slice, endpoints }) => [...slice, ...endpoints.flat()]);
  return [...cluster, ...service, ...ports.flat(), ...ofSlices];
}

/**
 * Counts the samples each feature is in, and notes each pair of features that stands together: two features of a port,
 * of an endpoint or of a slice must be of the same one, an endpoint's and a slice's of a slice and its own endpoint;
 * everything else must be of the same Service. Features of the configuration, the host and the node go with all.
 */
export class FeatureCoverage {
  private readonly counts = new Map<string, number>();
  private readonly pairs = new Set<string>();

  /** Takes in one sample. */
  add(units: readonly FeatureUnit[]): void {
    for (const unit of units) for (const pair of pairsOf(unit)) this.pairs.add(pair);
    for (const name of new Set(units.flatMap(namesOf))) this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }

  /** How many pairs a sample would add. */
  gain(units: readonly FeatureUnit[]): number {
    const added = new Set<string>();
    for (const unit of units) for (const pair of pairsOf(unit)) if (!this.pairs.has(pair)) added.add(pair);
    return added.size;
  }

  /** Possible pairs, those that never came up, and names that the catalogue lacks. */
  result(): { readonly possible: number; readonly missing: readonly string[]; readonly unknown: readonly string[] } {
    const names = featureNames();
    const known = new Set(names);
    const possible = names.flatMap((a, i) =>
      names.slice(i + 1).flatMap((b) => (isPossible(a, b) ? [keyOf(a, b)] : [])),
    );
    return {
      possible: possible.length,
      missing: possible.filter((pair) => !this.pairs.has(pair)),
      unknown: [...this.counts.keys()].filter((name) => !known.has(name)),
    };
  }

  /** One line a choice: its ways, each with the number of samples that show it. */
  table(): string {
    const lines = new Map<string, string[]>();
    for (const name of featureNames()) {
      const way = `${name.slice(choiceOf(name).length + 1)} ${this.counts.get(name) ?? 0}`;
      lines.set(choiceOf(name), [...(lines.get(choiceOf(name)) ?? []), way]);
    }
    return [...lines].map(([choice, ways]) => `  ${choice.padEnd(28)}${ways.join("  ")}`).join("\n");
  }
}
