import { readClientMask, readEnd, readMark } from "./ends.ts";
import { type Persistence, type Scheduler, schedulers, type VirtualServer, type VirtualServerKey } from "./model.ts";
import { argumentOf, type CommandLine, type GivenOption, optionsOf } from "./options.ts";
import { canonicalFlags, familyOfKey, hasNameless, protocols } from "./spelling.ts";
import { type Fault, faultAt, isFault, parseDecimal, shown } from "./words.ts";

/** `-p` without seconds (`IPVS_SVC_PERSISTENT_TIMEOUT`), and the longest that ipvsadm takes: 31 days. */
const PERSISTENT = 360;
export const MAX_TIMEOUT: number = 31 * 24 * 3600;

const keyOptions = ["tcp-service", "udp-service", "sctp-service", "fwmark-service"] as const;

/** A key, and whether its port was left out, which only persistent virtual servers may do. */
export function readKey(line: CommandLine): VirtualServerKey | Fault {
  const given = line.options.filter(({ name }) => keyOptions.includes(name as "tcp-service"));
  const [option, second] = given;
  if (option === undefined) return faultAt("no-virtual-server", "-t, -u, --sctp-service or -f is missing", line.word);
  if (second !== undefined) return faultAt("option-twice", "a line is about one virtual server", second.word);
  const six = line.options.findIndex(({ name }) => name === "ipv6");
  if (six >= 0 && six < line.options.indexOf(option))
    return faultAt("bad-option", "-6 belongs behind -f", line.options[six]?.word ?? line.word);
  const word = argumentOf(option);
  if (option.name === "fwmark-service") {
    const mark = readMark(word);
    return typeof mark === "number" ? { kind: "fwmark", family: six >= 0 ? "IPv6" : "IPv4", mark } : mark;
  }
  const end = readEnd(word);
  if (isFault(end)) return end;
  const protocol = protocols[keyOptions.indexOf(option.name as "tcp-service")]?.number ?? 6;
  return { kind: "address", protocol, address: end.address, port: end.port ?? 0 };
}

function readPersistence(
  options: ReturnType<typeof optionsOf>,
  key: VirtualServerKey,
): Persistence | undefined | Fault {
  const netmask = options("netmask");
  const mask =
    netmask === undefined
      ? { maskLength: familyOfKey(key) === "IPv4" ? 32 : 128 }
      : readClientMask(argumentOf(netmask), familyOfKey(key));
  if (isFault(mask)) return mask;
  const option = options("persistent");
  // a netmask alone says nothing
  if (option === undefined) return undefined;
  const { value } = option;
  const timeout = value === undefined ? PERSISTENT : parseDecimal(value.text, MAX_TIMEOUT);
  if (timeout === undefined || timeout === 0)
    return faultAt(
      "bad-timeout",
      `${shown(argumentOf(option).text)} is not a time of 1 to ${MAX_TIMEOUT} seconds`,
      argumentOf(option),
    );
  return { timeout, ...mask };
}

/** A scheduler by its name. */
export function schedulerOf(name: string): VirtualServer["scheduler"] {
  return schedulers.includes(name as Scheduler) ? (name as Scheduler) : { unknown: name };
}

function readFlags(option: GivenOption | undefined, scheduler: string): readonly string[] | Fault {
  if (option === undefined) return [];
  const { value } = option;
  if (value === undefined) {
    if (hasNameless(scheduler)) return ["flag-3"];
    return faultAt("missing-argument", `${option.word.text} needs an argument`, option.word);
  }
  const words = value.text.split(",").filter((each) => each !== "");
  const flags = canonicalFlags(scheduler, words);
  return (
    flags ??
    faultAt("bad-scheduler-flag", `${shown(value.text)}: not all of them are flags of ${shown(scheduler)}`, value)
  );
}

/** Reads the options of -A and -E. */
export function readVirtualServer(
  line: CommandLine,
  key: VirtualServerKey,
): Omit<VirtualServer, "realServers"> | Fault {
  const options = optionsOf(line);
  const persistence = readPersistence(options, key);
  if (persistence !== undefined && isFault(persistence)) return persistence;
  const scheduler = options("scheduler")?.value?.text ?? "wlc";
  const flags = readFlags(options("sched-flags"), scheduler);
  if (isFault(flags)) return flags;
  if (key.kind === "address" && key.port === 0 && persistence === undefined)
    return faultAt(
      "zero-port",
      "only a persistent virtual server may have port 0, which stands for all ports",
      line.word,
    );
  const ops = options("ops");
  if (ops !== undefined && key.kind === "address" && key.protocol !== 17)
    return faultAt("bad-option", "one-packet scheduling is for UDP only", ops.word);
  const engine = options("pe")?.value?.text;
  return {
    key,
    scheduler: schedulerOf(scheduler),
    schedulerFlags: flags,
    ...(persistence === undefined ? {} : { persistence }),
    ...(engine === undefined ? {} : { persistenceEngine: engine }),
    onePacket: ops !== undefined,
  };
}
