import type { IPAddress } from "./ip.ts";

/** Orders addresses by value, IPv4 before IPv6. */
export function compareIP(a: IPAddress, b: IPAddress): number {
  if (a.family === "IPv4") return b.family === "IPv4" ? a.value - b.value : -1;
  if (b.family === "IPv4") return 1;
  const [a0, a1, a2, a3] = a.words;
  const [b0, b1, b2, b3] = b.words;
  return a0 - b0 || a1 - b1 || a2 - b2 || a3 - b3;
}
