import type { LocalDetector } from "../../proxy/localdetector.ts";
import type { ServicePort } from "../../proxy/serviceport.ts";
import { not, type Option, option, type Quoted, type Word } from "../../rules/iptables/syntax.ts";

/** A rule's options in the order kube-proxy writes them. */
export type Options = readonly Option[];

const MATCH_COMMENT = option("-m", "comment");

/**
 * `-m comment --comment TEXT` in quotes, as kube-proxy writes every comment with a blank in it. The bare form of
 * node-port and endpoint rules is `bareComment` (iptables-mode §3.2).
 */
export function comment(text: string): Options {
  return [MATCH_COMMENT, option("--comment", quotedRaw(text))];
}

/** kube-proxy puts quotes around a text and escapes nothing in it, so what holds a quote is written as it is. */
function quotedRaw(text: string): Quoted {
  return text.includes('"') || text.includes("\\") ? { quoted: text, raw: text } : { quoted: text };
}

/** `-m comment --comment NAME`, not in quotes. */
export function bareComment(name: string): Options {
  return [MATCH_COMMENT, option("--comment", name)];
}

const protocols = new Map<string, Options>();

/** `-m tcp -p tcp`: the module before the protocol, both in lower case. */
export function protocol(name: string): Options {
  let options = protocols.get(name);
  if (options === undefined) {
    const lower = name.toLowerCase();
    options = [option("-m", lower), option("-p", lower)];
    protocols.set(name, options);
  }
  return options;
}

export const source = (address: string): Option => option("-s", address);
export const destination = (address: string): Option => option("-d", address);
export const destinationPort = (port: number): Option => option("--dport", String(port));
export const jump = (target: string): Option => option("-j", target);

const ADDRTYPE = option("-m", "addrtype");
export const sourceIsLocal: Options = [ADDRTYPE, option("--src-type", "LOCAL")];
export const destinationIsLocal: Options = [ADDRTYPE, option("--dst-type", "LOCAL")];

const CONNTRACK = option("-m", "conntrack");
export const connectionState = (states: string): Options => [CONNTRACK, option("--ctstate", states)];
export const notConnectionState = (states: string): Options => [CONNTRACK, not(option("--ctstate", states))];

const MARK = option("-m", "mark");
export const marked = (mark: Word): Options => [MARK, option("--mark", mark)];
export const notMarked = (mark: Word): Options => [MARK, not(option("--mark", mark))];

export const nfacct = (counter: string): Options => [option("-m", "nfacct"), option("--nfacct-name", counter)];

/** `0x00004000`: the mark of a bit, always eight digits (iptables-mode §3.3). */
export function markText(bit: number): string {
  return `0x${((1 << bit) >>> 0).toString(16).padStart(8, "0")}`;
}

const MATCH_RECENT = option("-m", "recent");
const RCHECK = option("--rcheck");
const REAP = option("--reap");
const SET = option("--set");

/** Was the source at this endpoint within the last `seconds`? */
export function recentCheck(chain: string, seconds: Option): Options {
  return [MATCH_RECENT, option("--name", chain), RCHECK, seconds, REAP];
}

/** Remember the source as a client of this endpoint. */
export function recentSet(chain: string): Options {
  return [MATCH_RECENT, option("--name", chain), SET];
}

/** Source test of a packet that comes from a Pod of this node's detector (iptables-mode §3.5). */
export function ifLocal(detector: LocalDetector): Option {
  switch (detector.kind) {
    case "cidr":
      return source(detector.cidr);
    case "interface":
      return option("-i", detector.name);
    case "interfacePrefix":
      return option("-i", `${detector.prefix}+`);
  }
}

/** The opposite of `ifLocal`. */
export function ifNotLocal(detector: LocalDetector): Option {
  return not(ifLocal(detector));
}

/** `-m tcp -p tcp -d ADDRESS --dport PORT` */
export function toAddress(port: ServicePort, address: string): Options {
  return [...protocol(port.protocol), destination(address), destinationPort(port.port)];
}
