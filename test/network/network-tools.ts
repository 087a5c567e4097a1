import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runInNamespace } from "../kernel/namespace.ts";
import { findTools } from "../kernel/tools.ts";

/** What the network of namespaces needs beside the tools of the kernel comparison, and how to ask whether it is there. */
const needed: readonly (readonly [string, string])[] = [
  ["veth devices", "ip link add name probe type veth peer name other"],
  ["bridges", "ip link add name probe type bridge"],
  ["VXLAN devices", "ip link add name probe type vxlan id 1 local 192.0.2.1 dstport 8472 nolearning"],
  ["bridge(8) of iproute2", "bridge -V"],
];

/** What this machine lacks for a network of namespaces, in words; empty when there is everything. */
export async function missingTools(): Promise<readonly string[]> {
  if (process.platform !== "linux") return ["it needs Linux"];
  if (process.getuid?.() !== 0) return ["it needs root, for network namespaces of its own"];
  const folder = mkdtempSync(join(tmpdir(), "rulewalk-network-"));
  const lockFile = join(folder, "lock");
  try {
    const missing = [...(await findTools(lockFile)).missing];
    for (const [name, script] of needed) {
      const { code, err } = await runInNamespace(script, lockFile);
      if (code !== 0) missing.push(`${name} (${err.trim()})`);
    }
    return missing;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
