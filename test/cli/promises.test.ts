import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import test from "ava";

const main = fileURLToPath(new URL("../../src/cli/rulewalk.js", import.meta.url));
const root = fileURLToPath(new URL("../../../", import.meta.url));

function promises(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, "diff", "--promises", ...args], {
    cwd: root,
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

const NODE = ["-f", "examples/shop", "--node", "control-plane-1", "--family", "ipv4"] as const;

test("slow: each mode is held to promises; what is known is told with reason, and is no finding", (t) => {
  const { status, stdout } = promises(...NODE, "--mode", "iptables,ipvs");
  t.is(status, 0);
  const heads = stdout.split("\n").filter((line) => line.startsWith("control-plane-1"));
  t.deepEqual(heads, [
    "control-plane-1, IPv4: iptables against what Kubernetes promises",
    "control-plane-1, IPv4: ipvs against what Kubernetes promises",
  ]);
  t.true(
    stdout.includes("shop/web port https (NodePort, LoadBalancer)\n  externalTrafficPolicy Local, a client outside"),
  );
  t.regex(
    stdout,
    /\n {6}promised +dropped\n {6}ipvs +10\.244\.1\.10:8443 or 10\.244\.2\.10:8443 \(source kept; the answer goes another way\)\n/,
  );
  t.regex(stdout, /\n {6}because +spec\.externalTrafficPolicy: Local: /);
  t.regex(
    stdout,
    /\nKNOWN DEVIATIONS\n[\s\S]*\nvirtual-server-passes-over-external-local: [\s\S]*\n {2}advice +load balancers/,
  );
});

test("slow: what no entry of the list explains is a finding", (t) => {
  // without kubelet's chains nothing drops what kube-proxy of 1.21 marks to be dropped
  const { status, stdout } = promises(...NODE, "--kube-version", "1.21", "-o", "json");
  t.is(status, 1);
  const [node] = JSON.parse(stdout).nodes;
  t.true(node.findings > 0);
  t.false(node.listReviewed);
  const news = node.breaches.filter(({ deviation }: { deviation: string | null }) => deviation === null);
  t.is(news.length, node.findings);
  t.like(news[0], { port: "shop/web port https", breaches: ["let in"], from: ["outside"], promised: "dropped" });
});

test("slow: Markdown is a report to keep", (t) => {
  const { status, stdout } = promises(...NODE, "-o", "markdown");
  t.is(status, 0);
  t.regex(stdout, /^# What is not as Kubernetes promises\n/);
  t.true(stdout.includes("\n## Known deviations\n"));
});

test("two sets of objects are not held to promises", (t) => {
  const { status, stderr } = promises(...NODE, "--with", "examples/ipvs");
  t.is(status, 2);
  t.regex(stderr, /--promises holds one set of objects/);
});
