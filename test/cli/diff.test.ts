import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import test from "ava";

const main = fileURLToPath(new URL("../../src/cli/rulewalk.js", import.meta.url));
const root = fileURLToPath(new URL("../../../", import.meta.url));

function diff(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, "diff", ...args], {
    cwd: root,
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

const IPVS = ["-f", "examples/ipvs", "--node", "k8s-node-1"] as const;

test("slow: JSON names reason, example and both fates of each difference", (t) => {
  const { status, stdout } = diff(...IPVS, "-o", "json");
  t.is(status, 0);
  const [node] = JSON.parse(stdout).nodes;
  t.like(node, { node: "k8s-node-1", family: "IPv4", sides: ["iptables", "ipvs"], findings: 0 });
  t.true(BigInt(node.packets) > 2n ** 80n);
  const own = node.differences.find(({ reason }: { reason: string }) => reason === "endpoint-calls-over-another-node");
  t.like(own, { service: "kube-system/kube-dns", status: "known", impact: "source", from: ["Pods"], kinds: ["UDP"] });
  t.is(own.iptables.length, 2);
  t.deepEqual(own.commands[1].slice(0, 6), ["rulewalk", "trace", "-f", "examples/ipvs", "--mode", "ipvs"]);
});

test("slow: Markdown is a report for those who change the mode", (t) => {
  const { status, stdout } = diff(...IPVS, "-o", "markdown");
  t.is(status, 0);
  t.regex(stdout, /^# From iptables to ipvs: what changes\n/);
  // the table stands before the sections
  t.regex(stdout, /\n\| what changes \| Services \| who notices \| what to do \|\n[\s\S]*\n## All Services\n/);
  t.true(stdout.includes("\n## Nothing to do\n"));
  t.true(stdout.includes("<details><summary>why, and the packet's way on both sides</summary>"));
  t.true(stdout.includes("\nrulewalk trace -f examples/ipvs --mode ipvs "));
});

test("slow: --trace tells both ways of an example side by side", (t) => {
  const { status, stdout } = diff(...IPVS, "--trace");
  t.is(status, 0);
  t.regex(stdout, /\n {6}iptables +\| ipvs\n {6}k8s-node-1 {3}comes in by \S+ +\| k8s-node-1 {3}comes in by /);
  t.regex(
    stdout,
    /\n {6}\$ rulewalk trace -f examples\/ipvs --mode iptables --from .*\n {6}\$ rulewalk trace .* --mode ipvs /,
  );
});

test("slow: releases are compared, and equal ones have no difference", (t) => {
  const { status, stdout } = diff(...IPVS, "--mode", "iptables", "--kube-version", "1.36,1.37");
  t.is(status, 0);
  t.regex(
    stdout,
    /^1\.36 against 1\.37: mode iptables, node k8s-node-1, IPv4\n[\d,]+ classes of packets, 0 treated differently: 0 findings/,
  );
});

test("slow: two sets of objects: every difference is a change", (t) => {
  const { status, stdout } = diff(...IPVS, "--with", "examples/ipvs", "--with", "examples/shop/services.yaml");
  t.is(status, 1);
  t.regex(
    stdout,
    /^before against after: kube-proxy 1\.37, mode iptables, node k8s-node-1, IPv4 and IPv6\n[\d,]+ classes of packets, [\d,]+ treated differently: \d+ changes\n/,
  );
  t.true(stdout.includes("\nshop/web\n  is stopped where it was not\n    port https (ClusterIP, load balancer IP); "));
  t.false(/FINDING|KNOWN DIFFERENCES/.test(stdout));
});

const mistakes: readonly (readonly [string, readonly string[], RegExp])[] = [
  ["one side", [...IPVS, "--mode", "ipvs"], /both sides are ipvs of 1\.37/],
  ["objects and modes", [...IPVS, "--with", "examples/shop", "--mode", "iptables,ipvs"], /--with compares objects/],
  ["three sides", [...IPVS, "--mode", "iptables,ipvs,iptables"], /two sides are compared/],
  ["a mode not modelled", [...IPVS, "--mode", "iptables,nftables"], /nftables/],
  ["a release not modelled", [...IPVS, "--kube-version", "1.23"], /1\.23/],
  ["no objects", [], /-f FILE/],
  ["no such list", [...IPVS, "--allow", "nowhere.yaml"], /nowhere\.yaml: no such file or folder/],
  ["no such node", ["-f", "examples/ipvs", "--node", "nobody"], /no such Node; known are/],
];
for (const [title, args, expected] of mistakes) {
  test(`slow: a mistake is told: ${title}`, (t) => {
    const { status, stdout, stderr } = diff(...args);
    t.is(status, 2);
    t.is(stdout, "");
    t.regex(stderr, expected);
    t.notRegex(stderr, /\bat .*\.js:/);
  });
}
