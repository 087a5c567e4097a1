/**
 * The syntax tree of iptables-restore and iptables-save text: lines as they stand, options in written order.
 *
 * It keeps what was written (quotes, order, unknown words), so that writing it again gives the same text; what a
 * rule means is read from it by `model.ts`. Nothing in here knows Kubernetes.
 */

/**
 * A word in double quotes: `quoted` is the text without the quotes and with its escapes resolved. `raw` is what stands
 * between the quotes where it is not the plain form, which has a backslash before `"` and `\\` only: iptables-save
 * escapes `'` as well, kube-proxy does not.
 */
export interface Quoted {
  readonly quoted: string;
  readonly raw?: string;
}

/** An argument as written: bare, or in double quotes. */
export type Word = string | Quoted;

/** One option of a rule: `!` before it, its flag as written (`-s`, `--dport`, `-m`), its arguments. */
export interface Option {
  readonly negated: boolean;
  readonly flag: string;
  readonly args: readonly Word[];
}

/** Packet and byte counters, as decimal text because they may exceed 2^53. */
export interface Counters {
  readonly packets: string;
  readonly bytes: string;
}

/** `-A CHAIN …` and its kin. `position` is the rule number of `-I`, `-R` and of `-D CHAIN n`. */
export interface RuleLine {
  readonly kind: "rule";
  readonly command: "-A" | "-I" | "-D" | "-R" | "-C";
  readonly chain: string;
  readonly position?: number;
  readonly counters?: Counters;
  readonly options: readonly Option[];
}

/** `:CHAIN POLICY [packets:bytes]`; the policy of a user chain is `-`. */
export interface ChainLine {
  readonly kind: "chain";
  readonly name: string;
  readonly policy: string;
  readonly counters?: Counters;
}

/** `-N`, `-X`, `-F`, `-P`, `-Z`, `-E`: commands on whole chains. */
export interface ChainCommand {
  readonly kind: "chain-command";
  readonly command: "-N" | "-X" | "-F" | "-P" | "-Z" | "-E";
  readonly args: readonly Word[];
}

/** `*nat` */
export interface TableLine {
  readonly kind: "table";
  readonly name: string;
}

/** `COMMIT` */
export interface CommitLine {
  readonly kind: "commit";
}

/** A `#` line with its `#`, or an empty line (`text` is ""). */
export interface CommentLine {
  readonly kind: "comment";
  readonly text: string;
}

/** A line that could not be read: kept as it was; a diagnostic says why. */
export interface UnknownLine {
  readonly kind: "unknown";
  readonly text: string;
}

export type Line = TableLine | ChainLine | RuleLine | ChainCommand | CommitLine | CommentLine | UnknownLine;

/** A whole text: one or several tables, in restore or save form. */
export interface Script {
  readonly lines: readonly Line[];
}

/** A single command such as `iptables -t nat -I OUTPUT …`: the table and the line it stands for. */
export interface Command {
  readonly table: string;
  readonly line: RuleLine | ChainCommand;
}

/** Builds an option. */
export function option(flag: string, ...args: readonly Word[]): Option {
  return { negated: false, flag, args };
}

/** The same option with `!` before it. */
export function not(positive: Option): Option {
  return { ...positive, negated: true };
}

/** The text of a word without its quotes. */
export function wordText(word: Word): string {
  return typeof word === "string" ? word : word.quoted;
}
