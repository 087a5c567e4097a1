import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import test from "ava";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const main = join(root, "dist/src/cli/rulewalk.js");

interface Run {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function run(args: readonly string[], input = ""): Run {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], {
    cwd: root,
    input,
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1" },
  });
  return { code: status, out: stdout, err: stderr };
}

const SCRIPT = (expected: string): string => `
cluster: examples/shop
steps:
  - connect: { name: a, from: 10.244.1.7, to: "svc/shop/reports:http" }
    expect: { result: ${expected} }
`;
const AGENT = ["matrix", "-f", "examples/shop", "--services", "shop/agent"];
const FEW = ["matrix", "-f", "examples/shop", "--services", "shop/reports"];

/** What it is about, arguments and input → exit code, and what is said on stdout and stderr. */
const rows: readonly (readonly [string, readonly string[], string, number, RegExp, RegExp])[] = [
  [
    "all as expected",
    ["play", "-"],
    SCRIPT("rejected"),
    0,
    /rejected {3}SYN: on worker-1.*\n\n1 step: all as expected\n$/,
    /^$/,
  ],
  [
    "an expect fails",
    ["play", "-"],
    SCRIPT("delivered"),
    1,
    /FAILED {5}expected result delivered, got rejected \(-:4\)\n/,
    /^$/,
  ],
  [
    "a faulty script",
    ["play", "-"],
    SCRIPT("deliverd"),
    2,
    /^$/,
    /^-:5:23: steps\[0\]\.expect\.result: .*\n.*\n +\^\n$/,
  ],
  [
    "a step that cannot be done",
    ["play", "-"],
    SCRIPT("rejected").replace("reports", "report"),
    2,
    /0 steps, then one that cannot be done/,
    /there is no Service shop\/report; did you mean "shop\/reports"\?/,
  ],
  ["no cluster", ["play", "-"], "steps: []", 2, /^$/, /names no cluster/],
  [
    "objects of the command line",
    ["play", "-", "-f", "examples/shop"],
    "steps: [{ wait: 5s }]",
    0,
    /0s {2}wait 5s/,
    /^$/,
  ],
  ["another release", ["play", "-", "--kube-version", "1.30"], SCRIPT("rejected"), 0, /kube-proxy 1\.30/, /^$/],
  [
    "a release that is not known",
    ["play", "-", "--kube-version", "1.99"],
    SCRIPT("rejected"),
    2,
    /^$/,
    /1\.99: not modelled/,
  ],
  [
    "ipvs mode, of the command line",
    ["play", "-", "--mode", "ipvs", "--kube-version", "1.24"],
    SCRIPT("stuck"),
    0,
    /kube-proxy 1\.24, ipvs[\s\S]*the virtual server has no real server to give; the client is told/,
    /^$/,
  ],
  [
    "ipvs mode, of the script",
    ["play", "-"],
    SCRIPT("stuck").replace("steps:", "options: { mode: ipvs }\nsteps:"),
    0,
    /kube-proxy 1\.37, ipvs/,
    /^$/,
  ],
  [
    "the command line's mode before the script's",
    ["play", "-", "--mode", "iptables"],
    SCRIPT("rejected").replace("steps:", "options: { mode: ipvs }\nsteps:"),
    0,
    /kube-proxy 1\.37, iptables/,
    /^$/,
  ],
  [
    "ipvs mode, of the configuration",
    ["play", "-", "--config", "examples/ipvs/kube-proxy.yaml"],
    SCRIPT("stuck"),
    0,
    /kube-proxy 1\.37, ipvs/,
    /^$/,
  ],
  [
    "a release of ipvs mode only",
    ["play", "-", "--kube-version", "1.24"],
    SCRIPT("rejected"),
    2,
    /^$/,
    /1\.24: not modelled in iptables mode/,
  ],
  ["another mode", ["play", "-", "--mode", "nftables"], SCRIPT("rejected"), 2, /^$/, /mode nftables is not modelled/],
  ["no such script", ["play", "nowhere.yaml"], "", 2, /^$/, /nowhere\.yaml: no such file/],
  ["what is assumed", ["play", "-", "-v"], SCRIPT("rejected"), 0, /rejected/, /note: interfaces are not known/],
  ["a matrix", FEW, "", 0, /shop\/reports:http {2}ClusterIP {2}10\.96\.20\.5:80\/tcp {2}R .*R .*- /, /^$/],
  ["of one node", [...FEW, "--node", "worker-2"], "", 0, /a Pod on {2}node .*\n +worker-2 {2}worker-2/, /^$/],
  [
    "of a namespace",
    ["matrix", "-f", "examples/shop", "-n", "default"],
    "",
    0,
    /default\/kubernetes:https(?![\s\S]*shop\/)/,
    /^$/,
  ],
  [
    "of another client",
    ["matrix", "-f", "examples/shop", "--services", "shop/web", "--client", "198.51.100.99"],
    "",
    0,
    /balancer .* X X X /,
    /^$/,
  ],
  // where iptables mode drops what has no local endpoint, ip_vs says that there is nobody
  ["of iptables mode", [...AGENT, "--mode", "iptables"], "", 0, /shop\/agent:statsd .* X .* X /, /^$/],
  ["of ipvs mode", [...AGENT, "--mode", "ipvs"], "", 0, /shop\/agent:statsd .* R .* R /, /^$/],
  ["of nftables mode", [...AGENT, "--mode", "nftables"], "", 2, /^$/, /mode nftables is not modelled yet/],
  ["as Markdown", [...FEW, "-o", "markdown"], "", 0, /^\| Service \|/, /^$/],
  ["a Service that is not there", [...FEW, "--services", "shop/rpt"], "", 2, /^$/, /no such Service/],
  ["a node that is not there", [...FEW, "--node", "worker-9"], "", 2, /^$/, /no such Node/],
  [
    "no node at all",
    ["matrix", "-f", "-"],
    "apiVersion: v1\nkind: Service\nmetadata: { name: a }\nspec: { ports: [{ port: 80 }] }",
    2,
    /^$/,
    /no Node among the objects/,
  ],
];
/** Each run is a process: these in every run of the tests, the others in the whole suite. */
const QUICK: ReadonlySet<string> = new Set([
  "all as expected",
  "an expect fails",
  "a step that cannot be done",
  "a matrix",
]);

for (const [what, args, input, code, out, err] of rows)
  test(`${QUICK.has(what) ? "" : "slow "}${args[0]}: ${what}`, (t) => {
    const found = run(args, input);
    t.is(found.code, code, found.err);
    t.regex(found.out, out);
    t.regex(found.err, err);
  });

test("slow play -o json and matrix -o json are one document each, with a version", (t) => {
  const played = JSON.parse(run(["play", "-", "-o", "json"], SCRIPT("rejected")).out) as Record<string, unknown>;
  const steps = played.steps as readonly Record<string, unknown>[];
  t.deepEqual([played.version, played.failures, steps[0]?.result, steps[0]?.step], [1, 0, "rejected", "connect"]);
  const found = JSON.parse(run([...FEW, "-o", "json"]).out) as Record<string, readonly unknown[] | number>;
  t.deepEqual([found.version, (found.sources as readonly unknown[]).length], [1, 10]);
});
