import type { Report, Source } from "../../text/diagnostic.ts";
import type { IPVSTable, RealServer, VirtualServer, VirtualServerKey } from "./model.ts";
import { type CommandLine, type CommandName, type OptionName, readCommandLine } from "./options.ts";
import { MAX_TIMEOUT, readKey, readVirtualServer } from "./read-options.ts";
import { readRealServer, readRealServerName } from "./read-real-server.ts";
import { formatEnd, formatKey } from "./spelling.ts";
import {
  type Fault,
  faultAt,
  isFault,
  linesOf,
  type Noted,
  parseDecimal,
  reportFault,
  shown,
  type Word,
  wordsOf,
} from "./words.ts";

/** A virtual server while its real servers come in, by address and port. */
interface OpenServer {
  readonly server: Omit<VirtualServer, "realServers">;
  readonly realServers: Map<string, RealServer>;
}

const keyNames: readonly OptionName[] = ["tcp-service", "udp-service", "sctp-service", "fwmark-service", "ipv6"];
const serverNames: readonly OptionName[] = ["scheduler", "persistent", "netmask", "sched-flags", "ops", "pe"];
const realNames: readonly OptionName[] = [
  "real-server",
  "gatewaying",
  "ipip",
  "masquerading",
  "weight",
  "u-threshold",
  "l-threshold",
  "tun-type",
  "tun-port",
  "tun-nocsum",
  "tun-csum",
  "tun-remcsum",
];

/** Which options each command takes. */
const takes: Readonly<Partial<Record<CommandName, readonly OptionName[]>>> = {
  "add-service": [...keyNames, ...serverNames],
  "edit-service": [...keyNames, ...serverNames],
  "delete-service": keyNames,
  "add-server": [...keyNames, ...realNames],
  "edit-server": [...keyNames, ...realNames],
  "delete-server": [...keyNames, "real-server"],
  clear: [],
  set: [],
};

/**
 * Reads what `ipvsadm -Sn` and `ipvsadm-save -n` print and what `ipvsadm -R` takes (ipvs-mode §11.2): one command a line, also
 * with `ipvsadm` in front, with short or long options; lines that edit or delete act on what stands above them. Empty lines and
 * comments, which `-R` itself stops at, are passed over. A line with a fault is reported with its place and has no effect, as
 * with ipvsadm; lines that change no server (`-Z`, `-L`) have none either. Names of hosts, and of ports that are not
 * well known, cannot be read. The order of a saved text is not the order in which servers were added: `printedOrder`.
 */
export function parseIPVSCommands(source: Source, report: Report, noted: Noted = () => undefined): IPVSTable {
  const editor = new TableEditor(noted);
  for (const line of linesOf(source)) {
    const words = commandWords(wordsOf(line));
    if (words.length === 0) continue;
    const fault = editor.apply(words, (code, message, { offset }) =>
      report({ severity: "warning", code, message, place: { source, offset } }),
    );
    if (fault !== undefined) reportFault(fault, source, report);
  }
  return editor.table();
}

/** The words of a line without the program's name; none of an empty line or a comment. */
function commandWords(words: readonly Word[]): readonly Word[] {
  const [first, ...others] = words;
  if (first === undefined || first.text.startsWith("#")) return [];
  return first.text === "ipvsadm" || first.text.endsWith("/ipvsadm") ? others : words;
}

type Warn = (code: string, message: string, word: Word) => void;

class TableEditor {
  readonly #servers = new Map<string, OpenServer>();
  readonly #noted: Noted;
  #timeouts: IPVSTable["timeouts"];

  constructor(noted: Noted) {
    this.#noted = noted;
  }

  table(): IPVSTable {
    const virtualServers = [...this.#servers.values()].map(({ server, realServers }) => ({
      ...server,
      realServers: [...realServers.values()],
    }));
    return { virtualServers, ...(this.#timeouts === undefined ? {} : { timeouts: this.#timeouts }) };
  }

  apply(words: readonly Word[], warn: Warn): Fault | undefined {
    const line = readCommandLine(words);
    if (isFault(line)) return line;
    const allowed = takes[line.command];
    if (allowed === undefined) {
      if (line.command.endsWith("-daemon")) warn("daemon-not-modelled", "connections are not synchronised", line.word);
      return undefined;
    }
    const wrong = line.options.find(({ name }) => !allowed.includes(name));
    if (wrong !== undefined)
      return faultAt(
        "bad-option",
        `${shown(wrong.word.text)} does not belong to ${line.word.text.slice(0, 20)}`,
        wrong.word,
      );
    if (line.command === "set") return this.#set(line);
    const [surplus] = line.rest;
    if (surplus !== undefined)
      return faultAt("unexpected-argument", `${shown(surplus.text)} belongs to no option`, surplus);
    if (line.command === "clear") {
      this.#servers.clear();
      return undefined;
    }
    const key = readKey(line);
    return isFault(key) ? key : this.#change(line, key, warn);
  }

  /** Seconds of 0 leave what was set. */
  #set({ rest, word }: CommandLine): Fault | undefined {
    const [tcp, tcpFin, udp] = rest.map(({ text }) => parseDecimal(text, MAX_TIMEOUT));
    if (rest.length !== 3 || tcp === undefined || tcpFin === undefined || udp === undefined)
      return faultAt("bad-timeout", `--set needs three times of 0 to ${MAX_TIMEOUT} seconds`, rest[0] ?? word);
    const before = this.#timeouts ?? { tcp: 0, tcpFin: 0, udp: 0 };
    this.#timeouts = { tcp: tcp || before.tcp, tcpFin: tcpFin || before.tcpFin, udp: udp || before.udp };
    return undefined;
  }

  #change(line: CommandLine, key: VirtualServerKey, warn: Warn): Fault | undefined {
    const name = formatKey(key);
    const found = this.#servers.get(name);
    if (line.command === "add-service") {
      if (found !== undefined) return faultAt("server-exists", `there is a virtual server ${name} already`, line.word);
      return this.#put(line, key, new Map(), warn);
    }
    if (found === undefined) return faultAt("no-such-server", `there is no virtual server ${name}`, line.word);
    switch (line.command) {
      case "edit-service":
        return this.#put(line, key, found.realServers, warn);
      case "delete-service":
        this.#servers.delete(name);
        return undefined;
      case "delete-server": {
        const end = readRealServerName(line, key);
        if (isFault(end)) return end;
        const text = formatEnd(end.address, end.port);
        return found.realServers.delete(text)
          ? undefined
          : faultAt("no-such-real-server", `${name} has no real server ${text}`, line.word);
      }
      default:
        return putRealServer(line, key, found.realServers, this.#noted);
    }
  }

  #put(line: CommandLine, key: VirtualServerKey, realServers: Map<string, RealServer>, warn: Warn): Fault | undefined {
    const server = readVirtualServer(line, key);
    if (isFault(server)) return server;
    if (typeof server.scheduler !== "string") {
      const message = `there is no scheduler ${shown(server.scheduler.unknown)} in the kernel`;
      warn("unknown-scheduler", message, line.options.find(({ name }) => name === "scheduler")?.value ?? line.word);
    }
    const name = formatKey(key);
    this.#noted(name, line.word.offset);
    this.#servers.set(name, { server, realServers });
    return undefined;
  }
}

function putRealServer(
  line: CommandLine,
  key: VirtualServerKey,
  all: Map<string, RealServer>,
  noted: Noted,
): Fault | undefined {
  const real = readRealServer(line, key);
  if (isFault(real)) return real;
  const text = formatEnd(real.address, real.port);
  const isNew = line.command === "add-server";
  if (isNew === all.has(text)) {
    return isNew
      ? faultAt("real-server-exists", `${formatKey(key)} has a real server ${text} already`, line.word)
      : faultAt("no-such-real-server", `${formatKey(key)} has no real server ${text}`, line.word);
  }
  noted(`${formatKey(key)} ${text}`, line.word.offset);
  all.set(text, real);
  return undefined;
}
