/**
 * `node kernel.js FILE SERVICES PACKETS`: the running kernel beside the emulator, in network namespaces of its own. Real
 * `iptables-restore` of the file, by both back ends, and real packets of the same flows through the rules. Times, and what was left
 * out and why, go to stdout as JSON.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runInNamespace } from "../test/kernel/namespace.ts";
import { Oracle } from "../test/kernel/oracle.ts";
import { makeStep } from "../test/kernel/step.ts";
import type { Topology } from "../test/kernel/topology.ts";
import { flowPacket, POD_SIDE } from "./node.ts";
import type { DataplaneTimes, KernelRun } from "./results.ts";

const [file = "", services = "1", packets = "1000"] = process.argv.slice(2);
const BATCH = 500;
const text: string = readFileSync(file, "utf8");
/** Counter objects that the rules name: without them the tools refuse the text. */
const counters: readonly string[] = [
  ...new Set([...text.matchAll(/--nfacct-name +"?([^\s"]+)/g)].map((match) => match[1] ?? "")),
];

const topology: Topology = {
  interfaces: [
    { name: "eth0", role: "uplink", mtu: 1500, addresses: ["192.168.0.2/24"], peers: ["192.168.0.1"] },
    { name: POD_SIDE, role: "pod", mtu: 1500, addresses: ["10.100.0.1/24"], peers: ["10.100.0.2"] },
  ],
  routes: [{ destination: "0.0.0.0/0", gateway: "192.168.0.1", device: "eth0" }],
  rules: [],
  sysctls: { "net.ipv4.ip_forward": 1, "net.ipv4.conf.all.rp_filter": 0 },
};

async function restore(backend: string, lockFile: string, leftOut: string[]): Promise<DataplaneTimes[]> {
  const tool = `iptables-${backend}-restore`;
  const timed = async (script: string): Promise<number | string> => {
    const start = performance.now();
    const { code, err } = await runInNamespace(script, lockFile);
    return code === 0 ? performance.now() - start : err.trim() || "it took too long";
  };
  const prepare = counters.map((name) => `nfacct add '${name}'\n`).join("");
  const [alone, whole] = [await timed(prepare), await timed(`${prepare}${tool} < '${file}'\n`)];
  if (typeof alone === "string" || typeof whole === "string") {
    leftOut.push(`${tool} of ${services} Services: ${typeof alone === "string" ? alone : whole}`);
    return [];
  }
  const lines = text.split("\n").length - 1;
  return [{ stage: tool, work: { count: lines, of: "line" }, samples: [whole - alone] }];
}

async function send(lockFile: string): Promise<DataplaneTimes> {
  const oracle = await Oracle.start(topology, lockFile);
  try {
    await oracle.load({ backend: "legacy", v4: text, nfacct: counters });
    const samples: number[] = [];
    for (let flow = 0; flow < Number(packets); flow += BATCH) {
      const steps = Array.from({ length: BATCH }, (_, i) => makeStep(flowPacket(flow + i, Number(services)), POD_SIDE));
      const { seconds, observations } = await oracle.send(steps);
      const lost = observations.filter(({ out }) => out.length === 0).length;
      if (lost > 0) throw new Error(`${lost} of ${BATCH} packets did not come through`);
      samples.push(1000 * seconds);
    }
    return { stage: "real packets", work: { count: BATCH, of: "packet" }, samples };
  } finally {
    await oracle.stop();
  }
}

async function run(): Promise<KernelRun> {
  if (process.platform !== "linux" || process.getuid?.() !== 0)
    return { times: [], leftOut: ["the running kernel: it is asked by root on Linux only"] };
  const folder = mkdtempSync(join(tmpdir(), "rulewalk-kernel-"));
  const lockFile = join(folder, "xtables.lock");
  const leftOut: string[] = [];
  try {
    const times = [...(await restore("nft", lockFile, leftOut)), ...(await restore("legacy", lockFile, leftOut))];
    try {
      times.push(await send(lockFile));
    } catch (error) {
      leftOut.push(`real packets through ${services} Services: ${(error as Error).message}`);
    }
    return { times, leftOut };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

process.stdout.write(JSON.stringify(await run()));
