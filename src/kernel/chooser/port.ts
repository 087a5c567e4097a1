import type { PortChoice } from "../chooser.ts";

/** The first free number of a range, beginning at `start` and going round once. */
export function firstFreePort(
  { from, to }: PortChoice,
  isFree: (port: number) => boolean,
  start: number = from,
): number | undefined {
  for (let port = start; port <= to; port++) if (isFree(port)) return port;
  for (let port = from; port < start && port <= to; port++) if (isFree(port)) return port;
  return undefined;
}
