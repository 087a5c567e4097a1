/**
 * 1/n with ten digits behind the point, rounded half to even as C's and Go's `%0.10f` do (iptables-mode §3.7).
 * Exact integer arithmetic: `toFixed` is wrong for n = 2048, an exact decimal tie.
 */
export function probabilityText(n: number): string {
  if (n === 1) return "1.0000000000";
  const scale = 10_000_000_000;
  let quotient = Math.floor(scale / n);
  const twice = 2 * (scale - quotient * n);
  if (twice > n || (twice === n && quotient % 2 === 1)) quotient++;
  return `0.${String(quotient).padStart(10, "0")}`;
}
