import type { GivenOption, Negatable } from "./module.ts";
import { type FlagInfo, generalFlags, type ModuleFlags, matchFlags } from "./options.ts";
import type { Option } from "./syntax.ts";

/** A match or target while its options come in; `flags` is `undefined` for a module that iptables 1.8.9 does not have. */
export interface Instance {
  readonly name: string;
  readonly flags: ModuleFlags | undefined;
  readonly given: GivenOption[];
  /** An option stands twice: the module stays as it is written. */
  repeated: boolean;
  readonly written: Option[];
}

export function instance(name: string, flags: ModuleFlags | undefined): Instance {
  return { name, flags, given: [], repeated: false, written: [] };
}

/** What is known about a flag in a rule, and whose it is. */
export interface FoundOption {
  readonly info: FlagInfo;
  readonly owner: Instance | "general";
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

/** The modules that a rule has loaded so far: they decide what the next option means. */
export class LoadedModules {
  readonly matches: Instance[] = [];
  target: Instance | undefined;
  protocol: Negatable<number> | undefined;

  /** Finds whose option a flag is, or what it is the beginning of; may load the protocol's own match. */
  resolve(flag: string): FoundOption | undefined {
    return this.#find(flag) ?? this.#abbreviated(flag);
  }

  #find(flag: string): FoundOption | undefined {
    const general = generalFlags.get(flag);
    if (general !== undefined) return { info: general, owner: "general" };
    const inTarget = this.target?.flags?.get(flag);
    if (this.target !== undefined && inTarget !== undefined) return { info: inTarget, owner: this.target };
    for (let i = this.matches.length - 1; i >= 0; i--) {
      const match = this.matches[i] as Instance;
      const info = match.flags?.get(flag);
      if (info !== undefined) return { info, owner: match };
    }
    return undefined;
  }

  /** `--dport` behind `-p tcp` loads `-m tcp` at the place where it stands, when that is not loaded yet. */
  #implicit(flag: string): FoundOption | undefined {
    const { protocol } = this;
    if (protocol === undefined || protocol.negated) return undefined;
    const name = IMPLICIT.get(protocol.value);
    const flags = name === undefined ? undefined : matchFlags.get(name);
    const info = flags?.get(flag) ?? onlyOne(flags, flag);
    if (name === undefined || info === undefined) return undefined;
    const owner = instance(name, flags);
    this.matches.push(owner);
    return { info, owner };
  }

  /** A beginning of a long option that only one option of the rule's modules has. */
  #abbreviated(flag: string): FoundOption | undefined {
    if (!LONG.test(flag)) return undefined;
    const found = new Map<string, FoundOption>();
    const search = (flags: ModuleFlags | undefined, owner: Instance | "general"): void => {
      for (const [name, info] of flags ?? []) if (name.startsWith(flag)) found.set(info.name, { info, owner });
    };
    search(generalFlags, "general");
    for (const match of this.matches) search(match.flags, match);
    if (this.target !== undefined) search(this.target.flags, this.target);
    if (found.size === 1) return [...found.values()][0];
    return found.size > 1 ? undefined : this.#implicit(flag);
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
