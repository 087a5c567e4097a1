import { parseDuration } from "../cluster/kubeproxy/go-duration.ts";

/** Ten years: more than any timeout, and far from where milliseconds stop being exact. */
const LONGEST = 10 * 366 * 86_400_000;

/** Reads a duration as Go does (`30s`, `1h30m`, `250ms`) into whole milliseconds; in words what is wrong with it otherwise. */
export function readDuration(text: string): number | string {
  const parsed = parseDuration(text);
  if (!parsed.ok) return `${JSON.stringify(text)} is not a duration such as 30s, 5m or 1h30m`;
  const milliseconds = Number(parsed.nanoseconds / 1_000_000n);
  if (parsed.nanoseconds % 1_000_000n !== 0n) return "the clock of a play counts whole milliseconds";
  if (milliseconds < 0) return "time does not go backwards";
  return milliseconds > LONGEST ? "longer than ten years" : milliseconds;
}

const UNITS = [
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
  ["ms", 1],
] as const;

/** Milliseconds as people say them: `3h`, `1h30m`, `2m5s`, `1s250ms`, `0s`. */
export function timeText(milliseconds: number): string {
  let rest = milliseconds;
  let text = "";
  for (const [unit, size] of UNITS) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) text += `${count}${unit}`;
  }
  return text === "" ? "0s" : text;
}
