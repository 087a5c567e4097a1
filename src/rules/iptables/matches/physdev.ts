import { defined, type ModuleOptions, type Negatable, negatable, negatableOption, type RuleModule } from "../module.ts";
import { not, type Option, option } from "../syntax.ts";

/** `-m physdev`: ports of a bridge. The three tests of a kind are `true` or, behind `!`, `false`. */
export interface PhysdevMatch {
  readonly kind: "physdev";
  readonly inInterface?: Negatable<string>;
  readonly outInterface?: Negatable<string>;
  readonly isIn?: boolean;
  readonly isOut?: boolean;
  readonly isBridged?: boolean;
}

const MAX_INTERFACE = 15;

function device(options: ModuleOptions, flag: string): Negatable<string> | undefined {
  const short = (text: string): string | undefined => (text !== "" && text.length <= MAX_INTERFACE ? text : undefined);
  return negatable(options, flag, options.read(flag, short, "an interface name of at most 15 characters"));
}

function test(options: ModuleOptions, flag: string): boolean | undefined {
  return options.has(flag) ? !options.negated(flag) : undefined;
}

function testOption(flag: string, expected: boolean | undefined): readonly Option[] {
  return expected === undefined ? [] : [expected ? option(flag) : not(option(flag))];
}

export const physdevModule: RuleModule<PhysdevMatch> = {
  kind: "physdev",
  negatable: ["--physdev-in", "--physdev-out", "--physdev-is-in", "--physdev-is-out", "--physdev-is-bridged"],
  parse: (options) => {
    if (options.size === 0) return options.fail("at least one option is required");
    return defined<PhysdevMatch>({
      kind: "physdev",
      inInterface: device(options, "--physdev-in"),
      outInterface: device(options, "--physdev-out"),
      isIn: test(options, "--physdev-is-in"),
      isOut: test(options, "--physdev-is-out"),
      isBridged: test(options, "--physdev-is-bridged"),
    });
  },
  format: (match) => [
    ...testOption("--physdev-is-in", match.isIn),
    ...negatableOption("--physdev-in", match.inInterface, (name) => name),
    ...testOption("--physdev-is-out", match.isOut),
    ...negatableOption("--physdev-out", match.outInterface, (name) => name),
    ...testOption("--physdev-is-bridged", match.isBridged),
  ],
};
