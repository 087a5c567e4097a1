import type { ModuleOptions, RuleModule } from "../module.ts";
import { type Option, option } from "../syntax.ts";
import { formatHex, type MaskedValue, parseUint32 } from "../values.ts";
import { formatSetMark, parseSetMark } from "./mark.ts";

/** `-j CONNMARK --set-xmark`: connection mark := (connection mark & ~mask) ^ value. */
export interface ConnmarkSet {
  readonly kind: "CONNMARK";
  readonly operation: "set";
  readonly set: MaskedValue;
}

/** Copies the mark to the connection (`save`) or back (`restore`). */
export interface ConnmarkCopy {
  readonly kind: "CONNMARK";
  readonly operation: "save" | "restore";
  readonly packetMask: number;
  readonly connectionMask: number;
}

export type ConnmarkTarget = ConnmarkSet | ConnmarkCopy;

const ALL = 0xffffffff;

function parse(options: ModuleOptions): ConnmarkTarget | undefined {
  if (options.has("--left-shift-mark") || options.has("--right-shift-mark"))
    return options.unmodelled("shifting a mark is not modelled");
  const save = options.has("--save-mark");
  if (!save && !options.has("--restore-mark")) {
    const set = parseSetMark(options);
    return set === undefined
      ? options.fail("an option that sets a mark is required")
      : { kind: "CONNMARK", operation: "set", set };
  }
  if (save && options.has("--restore-mark"))
    return options.fail("only one of --save-mark, --restore-mark can be given");
  const mask = (flag: string): number | undefined => options.read(flag, parseUint32, "a 32-bit number");
  const both = mask("--mask");
  if (both !== undefined && (options.has("--nfmask") || options.has("--ctmask"))) {
    return options.fail("--mask cannot stand with --nfmask or --ctmask");
  }
  return {
    kind: "CONNMARK",
    operation: save ? "save" : "restore",
    packetMask: both ?? mask("--nfmask") ?? ALL,
    connectionMask: both ?? mask("--ctmask") ?? ALL,
  };
}

function format(target: ConnmarkTarget): readonly Option[] {
  if (target.operation === "set") return [formatSetMark(target.set)];
  return [
    option(`--${target.operation}-mark`),
    option("--nfmask", formatHex(target.packetMask)),
    option("--ctmask", formatHex(target.connectionMask)),
  ];
}

export const connmarkTargetModule: RuleModule<ConnmarkTarget> = { kind: "CONNMARK", negatable: [], parse, format };
