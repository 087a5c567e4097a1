import type { IPFamily } from "../../net/family.ts";
import type { Place, Report } from "../../text/diagnostic.ts";
import { type FoundOption, type Instance, instance, LoadedModules } from "./loaded-modules.ts";
import { matchModule } from "./matches/registry.ts";
import type { Match, Rule, Target, Unknown } from "./model.ts";
import { defined, type GivenOption, ModuleOptions, type RuleModule } from "./module.ts";
import { matchFlags, targetFlags } from "./options.ts";
import { formatProtocol, parseProtocol } from "./protocols.ts";
import type { Counters, Option, RuleLine } from "./syntax.ts";
import { targetModule } from "./targets/registry.ts";
import { isEmptyMask, parseMaskedAddress } from "./values.ts";
import { argumentTexts } from "./words.ts";

/**
 * Reads what a rule means for one family. Whatever is not modelled or cannot be read is kept as `unknown` and reported
 * at `place`: a warning when iptables may know it, an error when iptables refuses it. An address list (`-s a,b`) is
 * several rules: expand it with `expandAddresses` first.
 */
export function readRule(line: RuleLine, family: IPFamily, report: Report = ignore, place?: Place): Rule {
  return new RuleReader(line, family, report, place).read();
}

function ignore(): void {}

interface Resolved extends FoundOption {
  readonly given: GivenOption;
}

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
  readonly #modules = new LoadedModules();
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
    for (const match of this.#modules.matches) matches.push(this.#match(match));
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
    const last = this.#modules.matches.at(-1);
    const owner = last !== undefined && last.name === "" ? last : instance("", undefined);
    if (owner !== last) this.#modules.matches.push(owner);
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
    if (owner.given.some((each) => each.name === info.name)) {
      this.#say("error", "repeated-option", `${info.name} can be used only once in -m or -j ${owner.name}`);
      // two meanings cannot be kept apart in the model: the module stays as written
      owner.repeated = true;
      return;
    }
    owner.given.push(given);
  }

  /** Finds whose option it is: every rule's, the last loaded module's that has it, or the protocol's own match. */
  #resolve(option: Option): Resolved | undefined {
    let { flag } = option;
    let args = argumentTexts(option.args);
    const equals = flag.startsWith("--") ? flag.indexOf("=") : -1;
    if (equals > 0) {
      args = [flag.slice(equals + 1), ...args];
      flag = flag.slice(0, equals);
    }
    if (flag === "--nfacct-name") args = args.filter((arg) => arg !== "");
    const found = this.#modules.resolve(flag);
    if (found !== undefined) {
      return { info: found.info, owner: found.owner, given: { name: found.info.name, negated: option.negated, args } };
    }
    const last = this.#modules.target ?? this.#modules.matches.at(-1);
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
    this.#modules.matches.push(instance(name, flags));
    if (flags === undefined) {
      this.#say("warning", "unknown-match", `-m ${name.slice(0, 60)} is not known; its options are kept as they are`);
    }
  }

  #jump(name: "-j" | "-g", value: string): string | undefined {
    if (this.#modules.target !== undefined) return "a rule has one target; keep one -j or -g";
    this.#goto = name === "-g";
    this.#modules.target = instance(value, this.#goto ? undefined : targetFlags.get(value));
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
    if (this.#rule[field] !== undefined) return `more than one ${flag} in a rule; keep one`;
    if (text === "" || text.length > MAX_INTERFACE) return `${flag} needs an interface name of 1 to 15 characters`;
    if (text !== "+" || given.negated) this.#rule[field] = { negated: given.negated, value: text };
    return undefined;
  }

  #protocol(given: GivenOption, text: string): string | undefined {
    const value = parseProtocol(text);
    if (value === undefined) return `-p ${text.slice(0, 60)} is not a protocol`;
    if (value === 0) return given.negated ? "! -p all would never match" : undefined;
    if (this.#rule.protocol !== undefined) return "more than one -p in a rule; keep one";
    this.#rule.protocol = { negated: given.negated, value };
    this.#modules.protocol = this.#rule.protocol;
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
    const given = this.#modules.target;
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
    if (given.repeated) return undefined;
    const options = new ModuleOptions(this.#family, given.given, { protocol: this.#rule.protocol });
    for (const { name: flag, negated, args } of given.given) {
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

const NEEDS: ReadonlyMap<string, number> = new Map([
  ["tcp", 6],
  ["udp", 17],
  ["sctp", 132],
  ["icmp", 1],
  ["icmp6", 58],
]);
