/**
 * The canonical form that records of the real kube-proxy are compared in: what kube-proxy orders stays in order, what
 * it walks in map order is sorted. Works on plain text and shares no code with the reader and writer under test.
 */
const DISPATCH = new Set([
  "KUBE-SERVICES",
  "KUBE-NODEPORTS",
  "KUBE-EXTERNAL-SERVICES",
  "KUBE-PROXY-FIREWALL",
  "KUBE-IPVS-OUT-FILTER",
]);
const LAST = "NOTE: this must be the last rule in this chain";

const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** First word of the comment without its quote; a rule without comment counts as itself behind a tilde. */
function servicePortOf(rule: string): string {
  const comment = / --comment ("?)([^ "]*)/.exec(rule);
  return comment === null ? `~${rule}` : (comment[2] as string);
}

function dispatchOrder(rules: readonly string[]): string[] {
  const last = rules.filter((rule) => rule.includes(LAST)).sort(byBytes);
  const groups = new Map<string, string[]>();
  for (const rule of rules) {
    if (rule.includes(LAST)) continue;
    const key = servicePortOf(rule);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [rule]);
    else group.push(rule);
  }
  const keys = [...groups.keys()].sort(byBytes);
  return [...keys.flatMap((key) => groups.get(key) ?? []), ...last];
}

/** Canonical form of iptables restore or save text. */
export function canonical(text: string): string {
  const tables = new Map<
    string,
    { chains: Set<string>; rules: Map<string, string[]>; deleted: string[]; ends: number }
  >();
  let table = { chains: new Set<string>(), rules: new Map<string, string[]>(), deleted: [] as string[], ends: 0 };
  const strays: string[] = [];
  for (const raw of text.split("\n")) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    if (line.startsWith("*")) {
      table = { chains: new Set(), rules: new Map(), deleted: [], ends: 0 };
      if (tables.has(line)) strays.push(line);
      tables.set(line, table);
    } else if (line.startsWith(":")) {
      table.chains.add(line.replace(/\[[0-9]+:[0-9]+\]$/, "[0:0]"));
    } else if (line.startsWith("-A ")) {
      const chain = line.split(" ")[1] ?? "";
      const rules = table.rules.get(chain);
      if (rules === undefined) table.rules.set(chain, [line]);
      else rules.push(line);
    } else if (line.startsWith("-X ")) table.deleted.push(line);
    else if (line === "COMMIT") table.ends++;
    else strays.push(line);
  }
  const out: string[] = [];
  for (const name of [...tables.keys()].sort(byBytes)) {
    const { chains, rules, deleted, ends } = tables.get(name) as typeof table;
    const ipvs = chains.has(":KUBE-LOAD-BALANCER - [0:0]");
    out.push(name, ...[...chains].sort(byBytes));
    for (const chain of [...rules.keys()].sort(byBytes)) {
      const written = rules.get(chain) ?? [];
      const sorted = DISPATCH.has(chain) && !(ipvs && chain === "KUBE-SERVICES");
      out.push(...(sorted ? dispatchOrder(written) : written));
    }
    out.push(...deleted.sort(byBytes), ...Array.from({ length: ends }, () => "COMMIT"));
  }
  return `${[...out, ...strays].join("\n")}\n`;
}
