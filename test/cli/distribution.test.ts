import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import test from "ava";

const main = fileURLToPath(new URL("../../src/cli/rulewalk.js", import.meta.url));
const root = fileURLToPath(new URL("../../../", import.meta.url));

function distribution(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [
      main,
      "diff",
      "-f",
      "examples/shop",
      "--node",
      "worker-1",
      "--family",
      "ipv4",
      "--strength",
      "distribution",
      ...args,
    ],
    { cwd: root, encoding: "utf8" },
  );
  return { status, stdout, stderr };
}

test("slow: exact chances of one mode, and whose turn it is in the other", (t) => {
  const { status, stdout } = distribution();
  t.is(status, 0);
  t.regex(stdout, /^worker-1, IPv4: iptables against ipvs: how connections are spread\n/);
  t.true(stdout.includes("    iptables  10.244.1.20:8080 1/2, 10.244.2.20:8080 1/2\n"));
  t.true(
    stdout.includes(
      "    ipvs      in turn, rr from a fresh position: 10.244.2.20:8080, 10.244.1.20:8080, 10.244.2.20:8080,",
    ),
  );
  t.false(stdout.includes("largest deviation"));
});

test("slow: chances of two releases are compared", (t) => {
  const { status, stdout } = distribution("--kube-version", "1.36,1.37", "-o", "json");
  t.is(status, 0);
  const [node] = JSON.parse(stdout).nodes;
  t.like(node, { node: "worker-1", sides: ["iptables 1.36", "iptables 1.37"], largestDeviation: "0" });
  t.true(node.spread > 100);
  const cart = node.groups.find(({ port }: { port: string }) => port === "shop/cart port grpc");
  t.is(cart["iptables 1.36"].chances["10.244.1.30:9000"], "715827883/2^31");
});

const mistakes: readonly (readonly [args: readonly string[], message: RegExp])[] = [
  [["--mode", "iptables"], /both sides are iptables of 1\.37/],
  [["--mode", "iptables,ipvs,iptables"], /two sides are compared/],
  [["--mode", "iptables,ipvs", "--with", "examples/ipvs"], /--with compares objects: one mode/],
];
for (const [args, message] of mistakes)
  test(`two sides are compared, and not ${args.join(" ")}`, (t) => {
    const { status, stderr } = distribution(...args);
    t.is(status, 2);
    t.regex(stderr, message);
  });
