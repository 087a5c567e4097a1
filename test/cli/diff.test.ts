import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import test from "ava";

const main = fileURLToPath(new URL("../../src/cli/main.js", import.meta.url));
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
  t.like(own, { service: "kube-system/kube-dns", from: ["Pods"], kinds: ["UDP"] });
  t.is(own.iptables.length, 2);
});

test("slow: Markdown is a report for those who change the mode", (t) => {
  const { status, stdout } = diff(...IPVS, "-o", "markdown");
  t.is(status, 0);
  t.regex(stdout, /^# From iptables to ipvs: what changes\n/);
  t.true(stdout.includes("### kube-system/kube-dns port dns (ClusterIP)"));
  t.true(stdout.includes("## Known reasons"));
});

test("slow: releases are compared, and equal ones have no difference", (t) => {
  const { status, stdout } = diff(...IPVS, "--mode", "iptables", "--kube-version", "1.36,1.37");
  t.is(status, 0);
  t.regex(
    stdout,
    /^k8s-node-1, IPv4: 1\.36 against 1\.37\n {2}[\d,]+ classes of packets, 0 treated differently: 0 findings/,
  );
});

test("slow: two sets of objects: every difference is a change", (t) => {
  const { status, stdout } = diff(...IPVS, "--with", "examples/ipvs", "--with", "examples/shop/services.yaml");
  t.is(status, 1);
  t.regex(
    stdout,
    /^k8s-node-1, IPv4: before against after\n {2}[\d,]+ classes of packets, [\d,]+ treated differently: \d+ changes\n/,
  );
  t.true(stdout.includes("shop/web port https (node port)\n  changed\n"));
  t.false(stdout.includes("KNOWN REASONS"));
});

const mistakes: readonly (readonly [string, readonly string[], RegExp])[] = [
  ["one side", [...IPVS, "--mode", "ipvs"], /both sides are ipvs of 1\.37/],
  ["objects and modes", [...IPVS, "--with", "examples/shop", "--mode", "iptables,ipvs"], /--with compares objects/],
  ["three sides", [...IPVS, "--mode", "iptables,ipvs,iptables"], /two sides are compared/],
  ["a mode not modelled", [...IPVS, "--mode", "iptables,nftables"], /nftables/],
  ["a release not modelled", [...IPVS, "--kube-version", "1.23"], /1\.23/],
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
