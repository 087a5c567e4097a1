import { parseIP } from "../../net/ip.ts";

export interface HostPort {
  readonly host: string;
  readonly port: string;
}

/** Go's `net.SplitHostPort`: `host:port` or `[host]:port`; `undefined` where that returns an error. */
export function splitHostPort(text: string): HostPort | undefined {
  const colon = text.lastIndexOf(":");
  if (colon < 0) return undefined;
  const bracketed = text.startsWith("[");
  const close = text.indexOf("]");
  if (bracketed ? close + 1 !== colon : text.slice(0, colon).includes(":")) return undefined;
  const host = bracketed ? text.slice(1, close) : text.slice(0, colon);
  const behind = bracketed ? text.slice(close + 1) : text;
  if (text.slice(bracketed ? 1 : 0).includes("[") || behind.includes("]")) return undefined;
  return { host, port: text.slice(colon + 1) };
}

/** `AppendPortIfNeeded`: adds the port to a bare IP address and leaves every other text alone. */
export function appendPort(address: string, port: number): string {
  if (splitHostPort(address) !== undefined || parseIP(address) === undefined) return address;
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}
