import { type End, readEnd } from "./ends.ts";
import type { RealServer, Tunnel, VirtualServerKey } from "./model.ts";
import { argumentOf, type CommandLine, type GivenOption, optionsOf } from "./options.ts";
import { familyOfKey } from "./spelling.ts";
import { type Fault, faultAt, isFault, parseDecimal, shown } from "./words.ts";

const MAX_INT = 0x7fffffff;

const methodOptions = { gatewaying: "route", ipip: "tunnel", masquerading: "masquerade" } as const;
const checksums = { "tun-nocsum": "none", "tun-csum": "full", "tun-remcsum": "remote" } as const;

function keysOf<T extends object>(object: T): readonly (keyof T)[] {
  return Object.keys(object) as (keyof T)[];
}

function readMethod(line: CommandLine): RealServer["method"] | Fault {
  const [method, second] = line.options.filter(({ name }) => Object.hasOwn(methodOptions, name));
  if (second !== undefined) return faultAt("option-twice", "one of -g, -i and -m", second.word);
  return method === undefined ? "route" : methodOptions[method.name as "ipip"];
}

/** `--tun-type` and what belongs to it; `ipip`, the usual one, is not kept. */
function readTunnel(line: CommandLine, method: RealServer["method"]): Tunnel | undefined | Fault {
  const options = optionsOf(line);
  const given = line.options.find(({ name }) => name.startsWith("tun-"));
  if (given === undefined) return undefined;
  if (method !== "tunnel") return faultAt("bad-option", "tunnel options belong to -i", given.word);
  const kind = options("tun-type");
  const type = kind?.value?.text ?? "ipip";
  const checksumNames = keysOf(checksums).filter((name) => options(name) !== undefined);
  const checksum = checksumNames[0] === undefined ? "none" : checksums[checksumNames[0]];
  const port = options("tun-port");
  if (checksumNames.length > 1) return faultAt("bad-option", "only one of the checksum options", given.word);
  if (
    type === "ipip" &&
    line.options.filter(({ name }) => name.startsWith("tun-")).length === (kind === undefined ? 0 : 1)
  )
    return undefined;
  if (type === "gre" && port === undefined && checksum !== "remote") return { type, checksum };
  if (type === "gue" && port !== undefined) {
    const number = parseDecimal(argumentOf(port).text, 65535);
    return number === undefined || number === 0
      ? faultAt("bad-port", `${shown(argumentOf(port).text)} is not a port`, argumentOf(port))
      : { type, port: number, checksum };
  }
  return faultAt("bad-option", `these are not the options of a tunnel of type ${shown(type)}`, given.word);
}

function readNumber(option: GivenOption | undefined, otherwise: number): number | Fault {
  if (option === undefined) return otherwise;
  const word = argumentOf(option);
  const number = parseDecimal(word.text, MAX_INT);
  return number ?? faultAt("bad-number", `${shown(word.text)} is not a number of 0 to ${MAX_INT}`, word);
}

/** The address and port behind -r: without a port, and wherever packets keep theirs, it is that of the virtual server. */
function readRealEnd(line: CommandLine, key: VirtualServerKey, method: RealServer["method"]): Required<End> | Fault {
  const option = optionsOf(line)("real-server");
  if (option === undefined) return faultAt("no-real-server", "-r is missing", line.word);
  const end = readEnd(argumentOf(option));
  if (isFault(end)) return end;
  if (end.address.family !== familyOfKey(key) && method !== "tunnel")
    return faultAt("other-family", "only a tunnel leads to a real server of the other family", argumentOf(option));
  const own = key.kind === "address" ? key.port : 0;
  const isForced = key.kind === "address" && method !== "masquerade";
  return { address: end.address, port: isForced ? own : (end.port ?? own) };
}

/** Reads the options of -d: which real server is meant. */
export function readRealServerName(line: CommandLine, key: VirtualServerKey): Required<End> | Fault {
  const option = optionsOf(line)("real-server");
  if (option === undefined) return faultAt("no-real-server", "-r is missing", line.word);
  const end = readEnd(argumentOf(option));
  return isFault(end) ? end : { address: end.address, port: end.port ?? (key.kind === "address" ? key.port : 0) };
}

/** Reads the options of -a and -e. */
export function readRealServer(line: CommandLine, key: VirtualServerKey): RealServer | Fault {
  const options = optionsOf(line);
  const method = readMethod(line);
  if (typeof method !== "string") return method;
  const end = readRealEnd(line, key, method);
  if (isFault(end)) return end;
  const tunnel = readTunnel(line, method);
  if (tunnel !== undefined && isFault(tunnel)) return tunnel;
  const numbers = { weight: 1, upper: 0, lower: 0 };
  for (const [field, name] of [
    ["weight", "weight"],
    ["upper", "u-threshold"],
    ["lower", "l-threshold"],
  ] as const) {
    const number = readNumber(options(name), numbers[field]);
    if (typeof number !== "number") return number;
    numbers[field] = number;
  }
  if (numbers.lower > numbers.upper)
    return faultAt(
      "bad-threshold",
      "the lower threshold is above the upper one",
      options("l-threshold")?.word ?? line.word,
    );
  return { ...end, method, ...numbers, ...(tunnel === undefined ? {} : { tunnel }) };
}
