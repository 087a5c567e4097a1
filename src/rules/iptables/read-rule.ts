import type { IPFamily } from "../../net/family.ts";
import type { Place, Report } from "../../text/diagnostic.ts";
import { matchModule } from "./matches/registry.ts";
import type { Match, Rule, Target, Unknown } from "./model.ts";
import { defined, type GivenOption, ModuleOptions, type RuleModule } from "./module.ts";
import { type FlagInfo, generalFlags, type ModuleFlags, matchFlags, targetFlags } from "./options.ts";
import { formatProtocol, parseProtocol } from "./protocols.ts";
import { type Counters, type Option, type RuleLine, wordText } from "./syntax.ts";
import { targetModule } from "./targets/registry.ts";
import { isEmptyMask, parseMaskedAddress } from "./values.ts";

/**
 * Reads what a rule means for one family. Whatever is not modelled or cannot be read is kept as `unknown` and reported
 * at `place`: a warning when iptables may know it, an error when iptables refuses it. An address list (`-s a,b`) is
 * several rules: expand it with `expandAddresses` first.
 */
export function readRule(line: RuleLine, family: IPFamily, report: Report = ignore, place?: Place): Rule {
  return new RuleReader(line, family, report, place).read();
}

function ignore(): void {}

/** A match or target while its options come in; `flags` is `undefined` for a module that iptables 1.8.9 does not have. */
interface Instance {
  readonly name: string;
  readonly flags: ModuleFlags | undefined;
  readonly given: Map<string, GivenOption>;
  readonly written: Option[];
}

function instance(name: string, flags: ModuleFlags | undefined): Instance {
  return { name, flags, given: new Map(), written: [] };
}

interface Resolved {
  readonly info: FlagInfo;
  readonly owner: Instance | "general";
  readonly given: GivenOption;
}

const IMPLICIT: ReadonlyMap<number, string> = new Map([
  [1, "icmp"],
  [6, "tcp"],
  [17, "udp"],
  [33, "dccp"],
  [50, "esp"],
  [51, "ah"],
  [58, "icmp6"],
  [132, "sctp"],
  [136, "udplite"],
]);

const MAX_INTERFACE = 15;
const ONE_ARGUMENT = /^-[sdiopmjg]$/;
const NOT_NEGATABLE = /^-[mjgc46]$/;
/** What may be a host's name; an address or a list is not. */
const LETTERS = /^[A-Za-z][A-Za-z0-9.-]*$/;

/** Mutable while a rule is read. */
type Draft = { -readonly [K in keyof Rule]?: Rule[K] };

class RuleReader {
  readonly #line: RuleLine;
  readonly #family: IPFamily;
  readonly #report: Report;
  readonly #place: Place | undefined;
  readonly #rule: Draft = {};
  readonly #matches: Instance[] = [];
  #target: Instance | undefined;
  #goto = false;
  #counters: Counters | undefined;

  constructor(line: RuleLine, family: IPFamily, report: Report, place: Place | undefined) {
    this.#line = line;
    this.#family = family;
    this.#report = report;
    this.#place = place;
    this.#counters = line.counters;
  }

  read(): Rule {
    for (const option of this.#line.options) this.#option(option);
    const matches: Match[] = [];
    for (const match of this.#matches) matches.push(this.#match(match));
    return defined<Rule>({
      chain: this.#line.chain,
      counters: this.#counters,
      source: this.#rule.source,
      destination: this.#rule.destination,
      inInterface: this.#rule.inInterface,
      outInterface: this.#rule.outInterface,
      protocol: this.#rule.protocol,
      fragment: this.#rule.fragment,
      matches,
      target: this.#finishTarget(),
    });
  }

  #say(severity: "error" | "warning", code: string, message: string): void {
    this.#report({ severity, code, message, ...(this.#place === undefined ? {} : { place: this.#place }) });
  }

  /** Keeps an option that belongs to no module; it is written back where it stood. */
  #keep(option: Option): void {
    const last = this.#matches.at(-1);
    const owner = last !== undefined && last.name === "" ? last : instance("", undefined);
    if (owner !== last) this.#matches.push(owner);
    owner.written.push(option);
  }

  #option(option: Option): void {
    const resolved = this.#resolve(option);
    if (resolved === undefined) return;
    const { info, owner, given } = resolved;
    if (owner === "general") {
      const problem = this.#general(info.name, option, given);
      if (problem === undefined) return;
      this.#say("error", "bad-option", problem);
      this.#keep(option);
      return;
    }
    owner.written.push(option);
    if (owner.flags === undefined) return;
    if (owner.given.has(info.name)) {
      this.#say("error", "repeated-option", `${info.name} can be used only once in -m or -j ${owner.name}`);
      // two meanings cannot be kept apart in the model: the module stays as written
      owner.given.set("repeated", given);
      return;
    }
    owner.given.set(info.name, given);
  }

  /** Finds whose option it is: every rule's, the last loaded module's that has it, or the protocol's own match. */
  #resolve(option: Option): Resolved | undefined {
    let { flag } = option;
    let args = option.args.map(wordText);
    const equals = flag.startsWith("--") ? flag.indexOf("=") : -1;
    if (equals > 0) {
      args = [flag.slice(equals + 1), ...args];
      flag = flag.slice(0, equals);
    }
    const given: GivenOption = {
      negated: option.negated,
      args: flag === "--nfacct-name" ? args.filter((arg) => arg !== "") : args,
    };
    const found = this.#find(flag) ?? this.#abbreviated(flag);
    if (found !== undefined) return { ...found, given };
    const last = this.#target ?? this.#matches.at(-1);
    if (last !== undefined && last.flags === undefined && last.name !== "") {
      last.written.push(option);
      return undefined;
    }
    this.#say(
      "error",
      "unknown-option",
      `no module of the rule has an option ${flag.slice(0, 60)}; put its -m before it`,
    );
    this.#keep(option);
    return undefined;
  }

  #find(flag: string): { readonly info: FlagInfo; readonly owner: Instance | "general" } | undefined {
    const general = generalFlags.get(flag);
    if (general !== undefined) return { info: general, owner: "general" };
    const inTarget = this.#target?.flags?.get(flag);
    if (this.#target !== undefined && inTarget !== undefined) return { info: inTarget, owner: this.#target };
    for (let i = this.#matches.length - 1; i >= 0; i--) {
      const match = this.#matches[i] as Instance;
      const info = match.flags?.get(flag);
      if (info !== undefined) return { info, owner: match };
    }
    return undefined;
  }

  /** `--dport` behind `-p tcp` loads `-m tcp` at the place where it stands, when that is not loaded yet. */
  #implicit(flag: string): { readonly info: FlagInfo; readonly owner: Instance } | undefined {
    const { protocol } = this.#rule;
    if (protocol === undefined || protocol.negated) return undefined;
    const name = IMPLICIT.get(protocol.value);
    const flags = name === undefined ? undefined : matchFlags.get(name);
    const info = flags?.get(flag) ?? onlyOne(flags, flag);
    if (name === undefined || info === undefined) return undefined;
    const owner = instance(name, flags);
    this.#matches.push(owner);
    return { info, owner };
  }

  /** A beginning of a long option that only one option of the rule's modules has. */
  #abbreviated(flag: string): { readonly info: FlagInfo; readonly owner: Instance | "general" } | undefined {
    if (!LONG.test(flag)) return undefined;
    const found = new Map<string, { readonly info: FlagInfo; readonly owner: Instance | "general" }>();
    const search = (flags: ModuleFlags | undefined, owner: Instance | "general"): void => {
      for (const [name, info] of flags ?? []) if (name.startsWith(flag)) found.set(info.name, { info, owner });
    };
    search(generalFlags, "general");
    for (const match of this.#matches) search(match.flags, match);
    if (this.#target !== undefined) search(this.#target.flags, this.#target);
    if (found.size === 1) return [...found.values()][0];
    return found.size > 1 ? undefined : this.#implicit(flag);
  }

  /** Reads an option that every rule can have; returns what is wrong with it. */
  #general(name: string, option: Option, given: GivenOption): string | undefined {
    const [value = ""] = given.args;
    const count = name === "-c" ? 2 : ONE_ARGUMENT.test(name) ? 1 : 0;
    if (given.args.length !== count) return `${name} takes ${count} argument${count === 1 ? "" : "s"}`;
    if (given.negated && NOT_NEGATABLE.test(name)) return `! cannot stand before ${name}`;
    switch (name) {
      case "-s":
        return this.#address("source", option, given, value);
      case "-d":
        return this.#address("destination", option, given, value);
      case "-i":
        return this.#interface("inInterface", name, given, value);
      case "-o":
        return this.#interface("outInterface", name, given, value);
      case "-p":
        return this.#protocol(given, value);
      case "-f":
        if (this.#family === "IPv6") return "-f is not known for IPv6";
        this.#rule.fragment = { negated: given.negated, value: true };
        return undefined;
      case "-m":
        this.#load(value);
        return undefined;
      case "-j":
      case "-g":
        return this.#jump(name, value);
      case "-c":
        this.#counters = { packets: value, bytes: given.args[1] ?? "0" };
        return undefined;
      default:
        return undefined;
    }
  }

  #load(name: string): void {
    const flags = matchFlags.get(name);
    this.#matches.push(instance(name, flags));
    if (flags === undefined) {
      this.#say("warning", "unknown-match", `-m ${name.slice(0, 60)} is not known; its options are kept as they are`);
    }
  }

  #jump(name: "-j" | "-g", value: string): string | undefined {
    if (this.#target !== undefined) return "a rule has one target; keep one -j or -g";
    this.#goto = name === "-g";
    this.#target = instance(value, this.#goto ? undefined : targetFlags.get(value));
    return undefined;
  }

  #address(field: "source" | "destination", option: Option, given: GivenOption, text: string): string | undefined {
    if (this.#rule[field] !== undefined) return `more than one ${option.flag} in a rule; keep one`;
    const value = parseMaskedAddress(text, this.#family);
    if (value === undefined) {
      if (!LETTERS.test(text))
        return `${option.flag} ${text.slice(0, 60)} is not an ${this.#family} address or network`;
      this.#say(
        "warning",
        "host-name",
        `${text.slice(0, 60)} is looked up when the rule is loaded; write its addresses`,
      );
      this.#keep(option);
      return undefined;
    }
    if (!isEmptyMask(value.mask) || given.negated) this.#rule[field] = { negated: given.negated, value };
    return undefined;
  }

  #interface(
    field: "inInterface" | "outInterface",
    flag: string,
    given: GivenOption,
    text: string,
  ): string | undefined {
    if (text === "" || text.length > MAX_INTERFACE) return `${flag} needs an interface name of 1 to 15 characters`;
    if (text !== "+" || given.negated) this.#rule[field] = { negated: given.negated, value: text };
    return undefined;
  }

  #protocol(given: GivenOption, text: string): string | undefined {
    const value = parseProtocol(text);
    if (value === undefined) return `-p ${text.slice(0, 60)} is not a protocol`;
    if (value === 0) return given.negated ? "! -p all would never match" : undefined;
    this.#rule.protocol = { negated: given.negated, value };
    return undefined;
  }

  #unknown(given: Instance): Unknown {
    return { kind: "unknown", module: given.name, options: given.written };
  }

  #match(given: Instance): Match {
    if (given.flags === undefined) return this.#unknown(given);
    const module = matchModule(given.name);
    if (module === undefined) {
      this.#say("warning", "unmodelled-match", `what -m ${given.name} does is not modelled`);
      return this.#unknown(given);
    }
    this.#checkProtocol(given.name);
    return this.#parse(module, given, `-m ${given.name}`) ?? this.#unknown(given);
  }

  /** tcp, udp, sctp and icmp need their `-p`; the kernel refuses the rule without it. */
  #checkProtocol(name: string): void {
    const needed = NEEDS.get(name);
    if (needed === undefined) return;
    const { protocol } = this.#rule;
    if (protocol?.value !== needed || protocol.negated) {
      this.#say("error", "protocol-missing", `-m ${name} needs -p ${formatProtocol(needed)} in the same rule`);
    }
  }

  #finishTarget(): Target | undefined {
    const given = this.#target;
    if (given === undefined) return undefined;
    if (this.#goto) return this.#chainTarget("goto", given);
    if (given.flags === undefined) return this.#chainTarget("jump", given);
    const module = targetModule(given.name);
    if (module !== undefined) return this.#parse(module, given, `-j ${given.name}`) ?? this.#unknown(given);
    this.#say("warning", "unmodelled-target", `what -j ${given.name} does is not modelled`);
    return this.#unknown(given);
  }

  #chainTarget(kind: "jump" | "goto", given: Instance): Target {
    if (given.written.length === 0) return { kind, chain: given.name };
    this.#say(
      "warning",
      "unknown-target",
      `-j ${given.name.slice(0, 60)} is not known; its options are kept as they are`,
    );
    return this.#unknown(given);
  }

  #parse<M extends { readonly kind: string }>(module: RuleModule<M>, given: Instance, what: string): M | undefined {
    if (given.given.has("repeated")) return undefined;
    const options = new ModuleOptions(this.#family, given.given);
    for (const [flag, { negated, args }] of given.given) {
      const count = given.flags?.get(flag)?.count ?? 0;
      if (args.length !== count) options.fail(`${flag} takes ${count} argument${count === 1 ? "" : "s"}`);
      if (negated && !module.negatable.includes(flag)) options.fail(`! cannot stand before ${flag}`);
    }
    const parsed = module.parse(options);
    if (options.problem === undefined) return parsed;
    const severity = options.isUnmodelled ? "warning" : "error";
    this.#say(severity, options.isUnmodelled ? "unmodelled-option" : "bad-option", `${what}: ${options.problem}`);
    return undefined;
  }
}

/** The one option that begins so. */
function onlyOne(flags: ModuleFlags | undefined, beginning: string): FlagInfo | undefined {
  if (!LONG.test(beginning)) return undefined;
  const found = new Set<string>();
  let only: FlagInfo | undefined;
  for (const [name, info] of flags ?? []) {
    if (!name.startsWith(beginning)) continue;
    found.add(info.name);
    only = info;
  }
  return found.size === 1 ? only : undefined;
}

const LONG = /^--[a-z]/;
const NEEDS: ReadonlyMap<string, number> = new Map([
  ["tcp", 6],
  ["udp", 17],
  ["sctp", 132],
  ["icmp", 1],
  ["icmp6", 58],
]);
