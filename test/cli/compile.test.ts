import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
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
  });
  return { code: status, out: stdout, err: stderr };
}

const SHOP = ["compile", "-f", "examples/shop", "--node", "worker-1"];

const NODE = "apiVersion: v1\nkind: Node\nmetadata: { name: a }\n";
const SERVICE = `apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: shop
spec:
  clusterIP: 10.96.0.1
  clusterIPs: [10.96.0.1]
  ports:
    - name: http
      port: 80
`;

/** Arguments, input → exit code and what stderr must say. Nothing goes to stdout, and there is never a stack. */
const mistakes: readonly (readonly [string, readonly string[], string, RegExp])[] = [
  ["no command", [], "", /Usage: rulewalk/],
  ["an unknown command", ["compil"], "", /unknown command 'compil'/],
  ["an unknown option", [...SHOP, "--nod", "x"], "", /unknown option '--nod'/],
  ["no objects", ["compile", "--node", "a"], "", /-f FILE, -f FOLDER or -f - is needed/],
  ["a file that is not there", ["compile", "-f", "nowhere.yaml"], "", /nowhere\.yaml: no such file or folder/],
  ["a folder without manifests", ["compile", "-f", "src"], "", /src: no \.yaml, \.yml or \.json file in this folder/],
  ["standard input twice", ["compile", "-f", "-", "-f", "-"], NODE, /can be read only once/],
  ["no node", ["compile", "-f", "examples/shop"], "", /--node is needed.*control-plane-1, worker-1, worker-2/],
  ["an unknown node", ["compile", "-f", "examples/shop", "--node", "w"], "", /no such Node; known are control-plane-1/],
  ["no Node at all", ["compile", "-f", "-"], SERVICE, /--node NAME is needed/],
  ["an unknown output", [...SHOP, "-o", "yaml"], "", /Allowed choices are restore, save/],
  ["a release that is not one", [...SHOP, "--kube-version", "soon"], "", /not a release such as 1\.37/],
  ["a release not modelled", [...SHOP, "--kube-version", "1.12"], "", /not modelled; known are 1\.21, 1\.25/],
  ["a mode not modelled", [...SHOP, "--mode", "nftables"], "", /mode nftables is not modelled yet/],
  ["a mode that there is not", [...SHOP, "--mode", "ebpf"], "", /kube-proxy has iptables, ipvs, nftables, userspace/],
  ["an output of ipvs mode", [...SHOP, "-o", "ipvsadm"], "", /-o ipvsadm: only ipvs mode has that/],
  ["a release of ipvs mode only", [...SHOP, "--kube-version", "1.24"], "", /1\.24: not modelled in iptables mode/],
  [
    "a refused scheduler",
    [...SHOP, "--mode", "ipvs", "--ipvs-scheduler", "mh", "--kube-version", "1.26"],
    "",
    /mh.*must be in \[rr wrr/,
  ],
  ["a range of ports", [...SHOP, "--service-node-port-range", "9-1"], "", /expected FIRST-LAST/],
  ["a kube-proxy flag", [...SHOP, "--iptables-masquerade-bit", "x"], "", /invalid argument "x"/],
  ["a bit out of range", [...SHOP, "--iptables-masquerade-bit", "32"], "", /masqueradeBit/],
  ["a configuration without one", [...SHOP, "--config", "examples/shop/nodes.yaml"], "", /no KubeProxyConfiguration/],
  ["broken YAML", ["compile", "-f", "-"], `${NODE}---\na: [1\n`, /^-:\d+:\d+: /],
  ["no text", ["compile", "-f", "-"], "\0\0\0", /NUL/],
  [
    "a port out of range",
    ["compile", "-f", "-"],
    `${NODE}---\n${SERVICE.replace("80", "70000")}`,
    /^-:15:13: spec\.ports\[0\]\.port: Invalid value: 70000: must be between 1 and 65535, inclusive\n {8}port: 70000\n {14}\^/,
  ],
  [
    "an unknown protocol",
    ["compile", "-f", "-"],
    `${NODE}---\n${SERVICE}      protocol: HTTP\n`,
    /spec\.ports\[0\]\.protocol: Unsupported value: "HTTP": supported values: "SCTP", "TCP", "UDP"/,
  ],
  [
    "an unknown field",
    ["compile", "-f", "-"],
    `${NODE}---\n${SERVICE}      nodeport: 30000\n`,
    /spec\.ports\[0\]\.nodeport/,
  ],
  [
    "a node port outside the range",
    ["compile", "-f", "-"],
    `${NODE}---\n${SERVICE}      nodePort: 80\n  type: NodePort\n`,
    /provided port is not in the valid range. The range of valid ports is 30000-32767/,
  ],
];

for (const [what, args, input, expected] of mistakes) {
  test(`slow: a mistake is told: ${what}`, (t) => {
    const { code, out, err } = run(args, input);
    t.is(code, 2, err);
    t.is(out, "");
    t.regex(err, expected);
    t.notRegex(err, /\n {4}at /);
  });
}

test("every fault of the input is told, not only the first", (t) => {
  const faulty = SERVICE.replace("80", "70000").replace("10.96.0.1\n", "nonsense\n");
  const { code, err } = run(["compile", "-f", "-"], `${NODE}---\n${faulty}---\n${faulty.replace("web", "Web")}`);
  t.is(code, 2);
  // a missing targetPort is defaulted from the port before anything is checked, so each fault counts twice
  t.is(err.match(/ports\[0\]\.port: Invalid value: 70000: must be between 1 and 65535/g)?.length, 2);
  t.is(err.match(/ports\[0\]\.targetPort: Invalid value: 70000: must be between 1 and 65535/g)?.length, 2);
  t.regex(err, /metadata\.name: Invalid value: "Web"/);
});

test("validation can be told to warn, or to ignore", (t) => {
  const input = `${NODE}---\n${SERVICE.replace("80", "70000")}`;
  const warned = run(["compile", "-f", "-", "--validate", "warn"], input);
  t.is(warned.code, 0);
  t.regex(warned.err, /warning: spec\.ports\[0\]\.port: Invalid value: 70000/);
  t.regex(warned.out, /--dport 70000 -j REJECT/);
  const ignored = run(["compile", "-f", "-", "--validate", "ignore"], input);
  t.is(ignored.code, 0);
  t.notRegex(ignored.err, /70000/);
  t.is(ignored.out, warned.out);
});

test("one family is printed byte for byte, two are set apart by comments", (t) => {
  const v4 = run([...SHOP, "--family", "ipv4"]);
  const v6 = run([...SHOP, "--family", "ipv6"]);
  const both = run(SHOP);
  t.deepEqual([v4.code, v6.code, both.code], [0, 0, 0]);
  t.true(v4.out.startsWith("*filter\n"));
  t.is(
    both.out
      .split("\n")
      .filter((line) => !line.startsWith("#"))
      .join("\n"),
    v4.out + v6.out,
  );
});

test("kube-proxy's flags go on top of its configuration", (t) => {
  const { out, err } = run([
    ...SHOP,
    "--family",
    "ipv4",
    "--masquerade-all",
    "--iptables-masquerade-bit=15",
    "--nodeport-addresses",
    "primary",
  ]);
  t.regex(out, /--or-mark 0x00008000/);
  t.regex(out, /must be the last rule in this chain" -d 192\.168\.10\.11 -j KUBE-NODEPORTS/);
  t.notRegex(out, /! -s 10\.244/);
  t.regex(err, /kube-proxy itself ignores --iptables-masquerade-bit, --masquerade-all, --nodeport-addresses/);
  t.regex(err, /interfaces are not known/);
});

test("--hostname-override names the node", (t) => {
  const other = run(["compile", "-f", "examples/shop", "--hostname-override", " Worker-2 ", "--family", "ipv4"]);
  t.is(other.code, 0, other.err);
  t.is(other.out, run(["compile", "-f", "examples/shop", "--node", "worker-2", "--family", "ipv4"]).out);
  t.true(other.out !== run([...SHOP, "--family", "ipv4"]).out);
});

test("--show-host prints a host file that gives the same rules", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "rulewalk-"));
  const host = join(folder, "host.yaml");
  writeFileSync(host, run([...SHOP, "--show-host"]).out);
  t.is(run([...SHOP, "--host", host]).out, run(SHOP).out);
  writeFileSync(host, "nfacct: false\nconntrackTCPLiberal: true\n");
  t.notRegex(run([...SHOP, "--host", host]).out, /nfacct|INVALID/);
  writeFileSync(host, "nfact: false\ninterfaces: [{ name: eth0, addresses: [10.0.0.300/8] }]\n");
  const wrong = run([...SHOP, "--host", host]);
  t.is(wrong.code, 2);
  t.regex(wrong.err, /nfact/);
  rmSync(folder, { recursive: true });
});

test("--out writes every output of both families", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "rulewalk-"));
  const { code } = run([...SHOP, "--out", join(folder, "new", "dumps")]);
  const files = readdirSync(join(folder, "new", "dumps")).sort();
  t.is(code, 0);
  t.deepEqual(files, [
    "ip6tables.commands",
    "ip6tables.restore",
    "ip6tables.save",
    "iptables.commands",
    "iptables.restore",
    "iptables.save",
    "rules.json",
    "summary.txt",
  ]);
  t.is(readFileSync(join(folder, "new", "dumps", "iptables.restore"), "utf8"), run([...SHOP, "--family", "ipv4"]).out);
  rmSync(folder, { recursive: true });
});

const IPVS = [...SHOP, "--mode", "ipvs"];

test("slow: --out in ipvs mode writes what the node has beside iptables, too", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "rulewalk-"));
  const { code } = run([...IPVS, "--out", folder]);
  t.is(code, 0);
  const own = ["addresses", "ipset.save", "ipvsadm.list", "ipvsadm.save", "sysctl"];
  const files = readdirSync(folder);
  t.deepEqual(files.filter((name) => own.includes(name)).sort(), own);
  t.is(files.length, own.length + 8);
  const read = (name: string): string => readFileSync(join(folder, name), "utf8");
  t.is(read("ipvsadm.save"), run([...IPVS, "-o", "ipvsadm"]).out);
  t.is(read("ipvsadm.list"), run([...IPVS, "-o", "ipvsadm-ln"]).out);
  t.is(read("ipset.save"), run([...IPVS, "-o", "ipset"]).out);
  t.is(read("addresses"), run([...IPVS, "-o", "addresses"]).out);
  t.is(read("ip6tables.restore"), run([...IPVS, "--family", "ipv6"]).out);
  // each address that is bound is in the set of bound addresses
  const bound = [...read("addresses").matchAll(/^address add (\S+)\/\d+ dev kube-ipvs0$/gm)].map(
    ([, address]) => address,
  );
  const listed = [...read("ipset.save").matchAll(/^add KUBE-(?:6-)?IPVS-IPS (\S+)$/gm)].map(([, address]) => address);
  t.deepEqual([...bound].sort(), [...listed].sort());
  t.true(bound.length > 10);
  rmSync(folder, { recursive: true });
});

test("slow: the configuration's mode counts where none is given", (t) => {
  const { out, code } = run([...SHOP, "--proxy-mode", "ipvs", "-o", "summary"]);
  t.is(code, 0);
  t.regex(out, /^What kube-proxy writes on node worker-1: ipvs mode, Kubernetes 1\.37\n/);
  t.regex(out, /shop\/reports:http .*\n.*\n {6}refused by IPVS/);
});

test("slow: JSON of ipvs mode names object, field and place of servers, entries and addresses", (t) => {
  const { families } = JSON.parse(run([...IPVS, "-o", "json"]).out);
  const [{ virtualServers, sets, addresses, sysctls }] = families;
  const vip = virtualServers.find(({ address }: { address: string }) => address === "198.51.100.20");
  t.like(vip, {
    object: "Service shop/web",
    field: "status.loadBalancer.ingress[0].ip",
    place: "examples/shop/services.yaml:62:15",
  });
  t.like(vip.realServers[0], { address: "10.244.1.10", object: "EndpointSlice shop/web-v4kpz", kind: "real-server" });
  const entries = sets.flatMap((set: { entries: object[] }) => set.entries);
  t.like(
    entries.find(({ entry }: { entry: string }) => entry.endsWith(",203.0.113.0/24")),
    { field: "spec.loadBalancerSourceRanges[0]", place: "examples/shop/services.yaml:54:30" },
  );
  t.like(addresses[0], { kind: "entry-bound-address", field: "spec.clusterIPs" });
  t.true(sysctls.length === 4 && entries.every(({ place }: { place?: string }) => place !== undefined));
});

test("help has examples, and names kube-proxy's own flags apart", (t) => {
  const { code, out } = run(["compile", "--help"]);
  t.is(code, 0);
  t.regex(out, /Examples:\n {2}rulewalk compile -f examples\/shop/);
  t.regex(out, /kube-proxy's own flags:\n {2}--bind-address/);
});

test("JSON names object, field and place of each rule", (t) => {
  const { families } = JSON.parse(run([...SHOP, "-o", "json"]).out);
  const nat = families[0].tables.find(({ name }: { name: string }) => name === "nat");
  const find = (kind: string, text: RegExp) =>
    nat.rules.find((rule: { kind: string; text: string }) => rule.kind === kind && text.test(rule.text));
  const lines = (name: string): string[] => readFileSync(join(root, "examples/shop", name), "utf8").split("\n");
  const at = (place: string): string => {
    const [file = "", line, column] = place.split(":");
    return (lines(file.split("/").at(-1) ?? "")[Number(line) - 1] ?? "").slice(Number(column) - 1);
  };
  const vip = find("load-balancer-ip", /198\.51\.100\.20/);
  t.is(vip.object, "Service shop/web");
  t.is(vip.field, "status.loadBalancer.ingress[0].ip");
  t.regex(at(vip.place), /^198\.51\.100\.20/);
  const range = find("firewall-range", /192\.168\.10\.0/);
  t.is(range.field, "spec.loadBalancerSourceRanges[1]");
  t.regex(at(range.place), /^192\.168\.10\.0\/24/);
  const endpoint = find("dnat", /10\.244\.2\.20:8080/);
  t.is(endpoint.object, "EndpointSlice shop/api-v4w2d");
  t.is(endpoint.field, "endpoints[1]");
  t.regex(at(endpoint.place), /^addresses: \[10\.244\.2\.20\]/);
});

test("standard output that is closed early is no fault", (t) => {
  const { status, stderr } = spawnSync("sh", ["-c", `"${process.execPath}" "${main}" ${SHOP.join(" ")} | head -n 1`], {
    cwd: root,
    encoding: "utf8",
  });
  t.is(status, 0);
  t.is(stderr, "");
});
