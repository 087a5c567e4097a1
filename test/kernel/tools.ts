import { runInNamespace } from "./namespace.ts";

export const backends = ["nft", "legacy"] as const;
export type Backend = (typeof backends)[number];

/** What this machine has of what the comparison needs. */
export interface Tools {
  /** Each missing thing, in words; empty when the comparison can run. */
  readonly missing: readonly string[];
  /** Versions, one line each. */
  readonly versions: readonly string[];
  /** Can named nfacct counters be made? If not: why. */
  readonly nfacct: true | string;
}

/** What the namespace program needs besides, and how to ask whether it is there. */
const programs: readonly (readonly [string, string])[] = [
  ["python3", "python3 --version"],
  ["iproute2", "ip -V"],
  ["nftables", "nft --version"],
  ["ipset", "ipset create probe hash:ip && ipset --version"],
  ["TUN devices", "test -c /dev/net/tun && echo /dev/net/tun"],
];

const firstLine = (text: string): string => text.trim().split("\n")[0] ?? "";

async function probe(script: string, lockFile: string): Promise<{ readonly ok: boolean; readonly text: string }> {
  const { code, out, err } = await runInNamespace(script, lockFile);
  return { ok: code === 0, text: firstLine(code === 0 ? out : err) };
}

/** Looks for the tools, and asks each whether the kernel answers it. Needs root. */
export async function findTools(lockFile: string): Promise<Tools> {
  const missing: string[] = [];
  const versions: string[] = [`kernel ${(await probe("uname -r", lockFile)).text}`];
  for (const backend of backends) {
    for (const tool of [`iptables-${backend}`, `ip6tables-${backend}`]) {
      const version = await probe(
        `${tool}-save --version >/dev/null; ${tool}-restore --version >/dev/null; ${tool} --version`,
        lockFile,
      );
      if (!version.ok) missing.push(`${tool} (${version.text || "not found"})`);
      else {
        versions.push(`${tool}: ${version.text}`);
        const nat = await probe(`${tool} -t nat -S`, lockFile);
        if (!nat.ok) missing.push(`a kernel that ${tool} can work with (${nat.text})`);
      }
    }
  }
  for (const [name, script] of programs) {
    const version = await probe(script, lockFile);
    if (version.ok) versions.push(`${name}: ${version.text}`);
    else missing.push(`${name} (${version.text || "not found"})`);
  }
  const counters = await probe("nfacct add probe && nfacct list", lockFile);
  if (counters.ok) versions.push((await probe("nfacct version", lockFile)).text);
  return { missing, versions, nfacct: counters.ok || counters.text || "nfacct does not work" };
}
