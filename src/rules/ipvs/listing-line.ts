import { type End, readClientMask, readEnd, readMark } from "./ends.ts";
import type { Persistence, RealServer, Tunnel, VirtualServer, VirtualServerKey } from "./model.ts";
import { schedulerOf } from "./read-options.ts";
import { canonicalFlags, familyOfKey, hasNameless, protocols } from "./spelling.ts";
import { type Fault, faultAt, isFault, parseDecimal, shown, type Word } from "./words.ts";

/** A line's words from left to right. */
class Words {
  readonly #words: readonly Word[];
  #next = 0;

  constructor(words: readonly Word[]) {
    this.#words = words;
  }

  /** The next word, or the last one with no text where there is none. */
  take(): Word {
    const last = this.#words.at(-1);
    const end = { text: "", offset: (last?.offset ?? 0) + (last?.text.length ?? 0) };
    return this.#words[this.#next++] ?? end;
  }

  /** Takes the next word if it is this one. */
  skip(text: string): boolean {
    if (this.#words[this.#next]?.text !== text) return false;
    this.#next++;
    return true;
  }

  rest(): Word | undefined {
    return this.#words[this.#next];
  }
}

/** An address with its port, which listings always have. */
function readListedEnd(word: Word): Required<End> | Fault {
  const end = readEnd(word);
  if (isFault(end)) return end;
  const { address, port } = end;
  return port === undefined ? faultAt("bad-address", `${shown(word.text)} has no port`, word) : { address, port };
}

function readKey(words: Words): VirtualServerKey | Fault {
  const first = words.take();
  if (first.text === "FWM") {
    const mark = readMark(words.take());
    return typeof mark === "number" ? { kind: "fwmark", family: words.skip("IPv6") ? "IPv6" : "IPv4", mark } : mark;
  }
  const protocol = protocols.find(({ name }) => name === first.text);
  if (protocol === undefined)
    return faultAt(
      "bad-listing-line",
      "a line begins with TCP, UDP, SCTP, FWM or ->, as ipvsadm -Ln prints them",
      first,
    );
  const end = readListedEnd(words.take());
  return isFault(end) ? end : { kind: "address", protocol: protocol.number, ...end };
}

/** Reads the line of a virtual server as `ipvsadm -Ln` prints it. */
export function readListedServer(all: readonly Word[]): Omit<VirtualServer, "realServers"> | Fault {
  const words = new Words(all);
  const key = readKey(words);
  if (isFault(key)) return key;
  const name = words.take();
  if (name.text === "") return faultAt("no-scheduler", "the scheduler is missing", name);
  const flags = readFlags(words, name.text);
  if (isFault(flags)) return flags;
  const persistence = readPersistence(words, key);
  if (persistence !== undefined && isFault(persistence)) return persistence;
  const engine = persistence !== undefined && words.skip("pe") ? words.take().text : "";
  const onePacket = words.skip("ops");
  const surplus = words.rest();
  if (surplus !== undefined) return faultAt("unknown-flag", `${shown(surplus.text)} is not known here`, surplus);
  return {
    key,
    scheduler: schedulerOf(name.text),
    schedulerFlags: flags,
    ...(persistence === undefined ? {} : { persistence }),
    ...(engine === "" ? {} : { persistenceEngine: engine }),
    onePacket,
  };
}

function readFlags(words: Words, scheduler: string): readonly string[] | Fault {
  const next = words.rest();
  if (next === undefined || !/^\(.*\)$/.test(next.text)) return [];
  words.take();
  const names = next.text
    .slice(1, -1)
    .split(",")
    .filter((each) => each !== "");
  if (names.length === 0 && hasNameless(scheduler)) return ["flag-3"];
  const flags = canonicalFlags(scheduler, names);
  return (
    flags ??
    faultAt("bad-scheduler-flag", `${shown(next.text)}: not all of them are flags of ${shown(scheduler)}`, next)
  );
}

function readPersistence(words: Words, key: VirtualServerKey): Persistence | undefined | Fault {
  if (!words.skip("persistent")) return undefined;
  const seconds = words.take();
  const timeout = parseDecimal(seconds.text, 0xffffffff);
  if (timeout === undefined) return faultAt("bad-timeout", `${shown(seconds.text)} is not a time in seconds`, seconds);
  if (!words.skip("mask")) return { timeout, maskLength: familyOfKey(key) === "IPv4" ? 32 : 128 };
  const mask = readClientMask(words.take(), familyOfKey(key));
  return isFault(mask) ? mask : { timeout, ...mask };
}

/** Kernels before 2.6.37 show `Local` for a real server on the node, whatever else was asked for. */
const methods: Readonly<Record<string, RealServer["method"]>> = {
  Masq: "masquerade",
  Route: "route",
  Tunnel: "tunnel",
  Local: "route",
};

/** Reads the line of a real server, with the column of `--tun-info` where `hasTunnels`. */
export function readListedRealServer(all: readonly Word[], hasTunnels: boolean): RealServer | Fault {
  const words = new Words(all.slice(1));
  const end = readListedEnd(words.take());
  if (isFault(end)) return end;
  const name = words.take();
  const method = Object.hasOwn(methods, name.text) ? methods[name.text] : undefined;
  if (method === undefined)
    return faultAt("bad-method", `${shown(name.text)} is none of ${Object.keys(methods).join(", ")}`, name);
  const tunnel = hasTunnels ? readTunnel(words.take()) : undefined;
  if (tunnel !== undefined && isFault(tunnel)) return tunnel;
  const numbers: number[] = [];
  for (let i = 0; i < 3; i++) {
    const word = words.take();
    const number = parseDecimal(word.text, 0xffffffff);
    if (number === undefined)
      return faultAt(
        "bad-number",
        `${shown(word.text) || "nothing"} where weight, ActiveConn or InActConn stands`,
        word,
      );
    numbers.push(number);
  }
  const surplus = words.rest();
  if (surplus !== undefined) return faultAt("unexpected-word", `${shown(surplus.text)} is in no column`, surplus);
  const [weight = 0, active = 0, inactive = 0] = numbers;
  const counts = { upper: 0, lower: 0, connections: { active, inactive } };
  return { ...end, method, weight, ...counts, ...(tunnel === undefined ? {} : { tunnel }) };
}

const checksums = { "-c": "none", "+c": "full", "r+c": "remote" } as const;

/** `n/a`, `ipip`, `gue:6080:+c`, `gre:-c`. */
function readTunnel(word: Word): Tunnel | undefined | Fault {
  if (word.text === "n/a" || word.text === "ipip") return undefined;
  const [, type, port, sign] = /^(gue|gre):(?:(\d{1,5}):)?(-c|\+c|r\+c)$/.exec(word.text) ?? [];
  const checksum = sign === undefined ? undefined : checksums[sign as "-c"];
  if (type === "gue" && port !== undefined && checksum !== undefined) return { type, port: Number(port), checksum };
  if (type === "gre" && port === undefined && checksum !== undefined) return { type, checksum };
  return faultAt("bad-tunnel", `${shown(word.text)} is no tunnel as --tun-info shows it`, word);
}
