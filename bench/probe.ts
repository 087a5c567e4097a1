import { hash } from "node:crypto";
import { median } from "../src/cli/statistics.ts";

const NAMES: readonly string[] = Array.from(
  { length: 8000 },
  (_, i) => `ns-${i % 50}/svc-${i}:httptcp10.128.0.${i}:8080`,
);
const LINES: readonly string[] = Array.from(
  { length: 60_000 },
  (_, i) => `-A KUBE-SEP-${i} -s 10.128.0.1/32 -j KUBE-MARK-MASQ`,
);
const DOCUMENT = JSON.stringify(NAMES.map((name, i) => ({ name, ports: [{ port: i, protocol: "TCP" }], ready: true })));

/** What the tool's work is made of, with no thought about it: hashing, joining texts, reading JSON. Never changed. */
export function probeOnce(): number {
  let kept = 0;
  for (const name of NAMES) kept ^= hash("sha256", name, "hex").length;
  // the last character is asked for so that the joined text is really made
  const joined = LINES.join("\n");
  kept += joined.charCodeAt(joined.length - 1);
  return kept + (JSON.parse(DOCUMENT) as readonly unknown[]).length;
}

const REPEATS = 7;

/** Milliseconds of the probe on this machine now: the median of several runs. */
export function probe(): number {
  const samples: number[] = [];
  for (let i = 0; i < REPEATS; i++) {
    const start = performance.now();
    if (probeOnce() === 0) throw new Error("the probe did nothing");
    samples.push(performance.now() - start);
  }
  return median(samples);
}
