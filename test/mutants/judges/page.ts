import { argued } from "./argued.ts";
import { tenScenarios } from "./scene.ts";
import { type RunRecord, tableText } from "./table.ts";

const JUDGES = `| judge | what it holds the node with the fault against |
| --- | --- |
| modes | the other mode without a fault: a class of packets fares otherwise, and no entry of the list of intended differences explains it |
| promises | what Kubernetes promises about each class: whole journeys, there and back, with every real server's turn |
| answers | whoever is let in is answered, and told of errors, from the address that he called; nothing comes back from another |
| shares | every endpoint that is promised can be reached; iptables: endpoints have equal chances, but for what rounding to 2^-31 leaves; ipvs: so many connections in turn come to each as often |
| affinity | a client stays with its endpoint for as long as is promised, and no longer |
| loopback | nobody outside gets to what listens on a loopback address of the node (CVE-2020-8558) |
| firewall | modes and answers once more, on a node whose own chains FORWARD or INPUT drop what no rule accepts |`;

/** The page of a run. */
export function pageText({ date, command, rows, argued: covered }: RunRecord): string {
  const scenarios = Object.entries(tenScenarios).map(([name, why]) => `| \`${name}\` | ${why} |`);
  const reasons = argued.map(({ id, reason }) => `| ${id} | ${covered[id] ?? 0} | ${reason} |`);
  return `# Faults that the checks find

How good are checks that compare modes class by class, and hold packets against promises? One fault at a time is put into the rules, sets
and virtual servers of a node, at every place where it can be made, and the checks have to find it. No judge is shown what the
node's rules should be.

\`${command}\`, ${date}: ten golden scenarios, both modes, both families, release 1.37. The last columns: what nobody found is compared with
the node without the fault, class by class over the whole packet space, and by what follows first packets. \`equivalent\`: nothing
differs. \`argued\`: something does, and each difference is covered by an argument below. The command ends with 1 when a fault survives.
One fault may be found by several judges; those behind \`modes\` and \`promises\` are asked only while nobody has found it.

${tableText(rows)}

## Judges

${JUDGES}

## Arguments

| difference | faults | why it is no hole |
| --- | ---: | --- |
${reasons.join("\n")}

## Scenarios

| scenario | why it is among the ten |
| --- | --- |
${scenarios.join("\n")}

## What is not seen

Equal fates of connections' first packets, of answers, errors and third packets, and of packets that conntrack calls INVALID make an
equivalent here. What only other packets meet (fragments, multicast, link-local addresses), counters, comments and the cost of rules are
no part of it; nor is what a change of the node's rules or real servers would do to connections that last, so that three switches of ip_vs
(\`conn_reuse_mode\`, \`expire_nodest_conn\`, \`expire_quiescent_template\`) count as equivalent. Faults come one at a time: two that hide each
other are not tried.
`;
}
