import { compareIP } from "../../net/compare-ip.ts";
import type { SetElement, Value } from "./model.ts";

const FULL = { IPv4: 32, IPv6: 128 } as const;

/** The prefix length as it is printed: nothing for a whole address. */
const lengthText = (value: Extract<Value, { kind: "net" }>): string =>
  value.length === FULL[value.address.family] ? "" : `${value.length}`;

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Everything without an order of its own goes by its text. */
function textOf(value: Value): string {
  switch (value.kind) {
    case "iface":
      return value.name;
    case "mac":
      return value.mac;
    case "set":
      return value.set;
    default:
      return "";
  }
}

function compareValues(a: Value, b: Value): number {
  if (a.kind === "ip" && b.kind === "ip") return compareIP(a.address, b.address);
  if (a.kind === "net" && b.kind === "net")
    return compareIP(a.address, b.address) || compareTexts(lengthText(a), lengthText(b));
  if (a.kind === "port" && b.kind === "port") return (a.protocol ?? 0) - (b.protocol ?? 0) || a.port - b.port;
  if (a.kind === "mark" && b.kind === "mark") return a.mark - b.mark;
  return compareTexts(textOf(a), textOf(b));
}

/**
 * The order of elements in `ipset -sorted save` of 7.17 (ipvs-mode §11.5): part by part; addresses by value, then
 * protocol and port numbers; of networks of one address the whole address first, the others by the text of their
 * length (`/16` before `/8`).
 */
export function compareElements(a: SetElement, b: SetElement): number {
  for (let i = 0; i < a.values.length; i++) {
    const difference = compareValues(a.values[i] as Value, b.values[i] as Value);
    if (difference !== 0) return difference;
  }
  return 0;
}
