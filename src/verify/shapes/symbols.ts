import type { IPFamily } from "../../net/family.ts";
import { containsValue, type IntervalSet, interval } from "../../net/intervals.ts";
import type { Network } from "../../rules/ipset/model.ts";
import { ipNumber } from "../numbers.ts";
import type { CommonConstants } from "./constants.ts";
import type { SiteOf } from "./sites.ts";

/** What fingerprints are made with. */
export interface FingerprintContext {
  readonly family: IPFamily;
  readonly siteOf: SiteOf;
  readonly constants: CommonConstants;
  /** More words about an address of a unit: what the objects say of it. */
  readonly remark: (address: bigint) => string;
}

const FTP_PORTS: ReadonlySet<number> = new Set([20, 21]);

/** Words for a unit's addresses, ports, networks and lists, equal where another unit has others in their place. */
export class Symbols {
  readonly #context: FingerprintContext;
  readonly #numbers = new Map<bigint, number>();
  readonly #ports: readonly number[];
  readonly #literalPorts = new Set<number>();
  readonly #networks = new Map<string, IntervalSet>();
  readonly #ranges = new Map<string, IntervalSet>();
  readonly #names = new Map<string, string>();
  #opaque: string | undefined;
  /** Ports may be told apart by more than what is asked for here. */
  portsMatter = false;

  constructor(context: FingerprintContext, ports: readonly number[]) {
    this.#context = context;
    this.#ports = ports;
    this.#opaque = context.constants.opaque;
  }

  /** Addresses that have a number, in its order. */
  get addresses(): readonly bigint[] {
    return [...this.#numbers.keys()];
  }

  /** Why no other unit can have this one's words. */
  get opaque(): string | undefined {
    return this.#opaque;
  }

  has(address: bigint): boolean {
    return this.#numbers.has(address);
  }

  /** Do rules name a port otherwise than as that of an end? */
  isLiteral(port: number): boolean {
    return this.#literalPorts.has(port);
  }

  /** `#N`, the addresses numbered in the order in which they come. */
  address(value: bigint): string {
    const number = this.#numbers.get(value) ?? this.#numbers.size;
    this.#numbers.set(value, number);
    return `#${number}`;
  }

  /** A port that is the unit's own may be another one in another unit; so may those of ends. */
  ownPort(value: number): string | undefined {
    const at = this.#ports.indexOf(value);
    return at < 0 ? undefined : `P${at}`;
  }

  /** A port that rules name: literally, unless it is the unit's own. */
  port(value: number): string {
    const own = this.ownPort(value);
    if (own === undefined) this.#literalPorts.add(value);
    return own ?? `${value}`;
  }

  /** A set of addresses; of each address it is told then whether it lies in it. */
  network(set: IntervalSet): string {
    const text = set.map(({ from, to }) => `${from}-${to}`).join();
    this.#networks.set(text, set);
    return text;
  }

  /** A set of ports; of each port it is told then whether it lies in it. */
  range(set: IntervalSet): string {
    const text = set.map(({ from, to }) => `${from}-${to}`).join();
    this.#ranges.set(text, set);
    return text;
  }

  /** Lists of one name are one list, whoever names it. */
  name(name: string, of: string): string {
    if (this.#context.constants.names.has(name)) return `list ${name}`;
    const before = this.#names.get(name);
    if (before !== undefined && before !== of) this.makeOpaque("recent");
    this.#names.set(name, of);
    return of === "" ? `list ${[...this.#names.keys()].indexOf(name)}` : "list";
  }

  /** No other unit shall have these words: there is something in them that cannot be told. */
  makeOpaque(what: string): string {
    this.#opaque ??= what;
    return what;
  }

  /** A network as elements of sets have it; one of a single address is that address. */
  net({ address, length }: Network): string {
    const bits = this.#context.family === "IPv4" ? 32 : 128;
    const first = ipNumber(address);
    if (length === bits) return this.address(first);
    const size = 1n << BigInt(bits - length);
    return this.network(interval(first, first + size - 1n));
  }

  /** What is said of an address wherever it stands. */
  about(address: bigint): string {
    const { siteOf, remark } = this.#context;
    const within = [...this.#networks.values()].map((set) => (containsValue(set, address) ? "1" : "0")).join("");
    return `${siteOf(address)} ${within} ${remark(address)}`;
  }

  /** What is said of a port that may be another one elsewhere. */
  aboutPort(port: number): string {
    if (this.portsMatter || FTP_PORTS.has(port)) return `${port}`;
    const value = BigInt(port);
    const holds = (set: IntervalSet): string => (containsValue(set, value) ? "1" : "0");
    return [...this.#context.constants.ports, ...this.#ranges.values()].map(holds).join("");
  }
}
