import { type Fault, shown, type Word } from "./words.ts";

/** What a line of ipvsadm does. */
export type CommandName =
  | "add-service"
  | "edit-service"
  | "delete-service"
  | "clear"
  | "add-server"
  | "edit-server"
  | "delete-server"
  | "set"
  | "zero"
  | "list"
  | "save"
  | "restore"
  | "start-daemon"
  | "stop-daemon";

/** `-L` too is a command of its own, but all that its options say is how to print. */
const commands: ReadonlyMap<string, CommandName> = new Map([
  ["-A", "add-service"],
  ["-E", "edit-service"],
  ["-D", "delete-service"],
  ["-C", "clear"],
  ["-a", "add-server"],
  ["-e", "edit-server"],
  ["-d", "delete-server"],
  ["--set", "set"],
  ["-Z", "zero"],
  ["-L", "list"],
  ["-l", "list"],
  ["-S", "save"],
  ["-R", "restore"],
]);

const longCommands: readonly CommandName[] = [...commands.values(), "start-daemon", "stop-daemon"];

/** Options of virtual and real servers by their long names. */
export type OptionName =
  | "tcp-service"
  | "udp-service"
  | "sctp-service"
  | "fwmark-service"
  | "ipv6"
  | "scheduler"
  | "persistent"
  | "netmask"
  | "sched-flags"
  | "ops"
  | "pe"
  | "real-server"
  | "gatewaying"
  | "ipip"
  | "masquerading"
  | "weight"
  | "u-threshold"
  | "l-threshold"
  | "tun-type"
  | "tun-port"
  | "tun-nocsum"
  | "tun-csum"
  | "tun-remcsum";

interface OptionForm {
  readonly short?: string;
  readonly argument: "none" | "one" | "optional";
}

const forms: Readonly<Record<OptionName, OptionForm>> = {
  "tcp-service": { short: "t", argument: "one" },
  "udp-service": { short: "u", argument: "one" },
  "sctp-service": { argument: "one" },
  "fwmark-service": { short: "f", argument: "one" },
  ipv6: { short: "6", argument: "none" },
  scheduler: { short: "s", argument: "one" },
  persistent: { short: "p", argument: "optional" },
  netmask: { short: "M", argument: "one" },
  // ipvsadm prints none where it has no name for the flag, and does not read that again
  "sched-flags": { short: "b", argument: "optional" },
  ops: { short: "o", argument: "none" },
  pe: { argument: "one" },
  "real-server": { short: "r", argument: "one" },
  gatewaying: { short: "g", argument: "none" },
  ipip: { short: "i", argument: "none" },
  masquerading: { short: "m", argument: "none" },
  weight: { short: "w", argument: "one" },
  "u-threshold": { short: "x", argument: "one" },
  "l-threshold": { short: "y", argument: "one" },
  "tun-type": { argument: "one" },
  "tun-port": { argument: "one" },
  "tun-nocsum": { argument: "none" },
  "tun-csum": { argument: "none" },
  "tun-remcsum": { argument: "none" },
};

const shortNames: ReadonlyMap<string, OptionName> = new Map(
  (Object.keys(forms) as OptionName[]).flatMap((name) => {
    const { short } = forms[name];
    return short === undefined ? [] : [[short, name] as const];
  }),
);

/** An option of a line with its argument, where it has one. */
export interface GivenOption {
  readonly name: OptionName;
  readonly word: Word;
  readonly value?: Word;
}

/** A line as popt takes it apart: what it does, and with what. */
export interface CommandLine {
  readonly command: CommandName;
  readonly word: Word;
  readonly options: readonly GivenOption[];
  /** Words that belong to no option: the seconds of `--set`. */
  readonly rest: readonly Word[];
}

const fault = (code: string, message: string, { offset }: Word): Fault => ({ code, message, offset });

/** Commands of which no options are read, because they change no server. */
const withoutServers: ReadonlySet<CommandName> = new Set([
  "zero",
  "list",
  "save",
  "restore",
  "start-daemon",
  "stop-daemon",
]);

function longCommand(text: string): CommandName | undefined {
  return text.startsWith("--") ? longCommands.find((name) => text === `--${name}`) : undefined;
}

/**
 * Takes the words of a line apart as ipvsadm does: the command first, then options, short ones also in one word with what
 * follows (`-at`, `-mw3`), long ones also with `=`.
 */
export function readCommandLine(words: readonly Word[]): CommandLine | Fault {
  const [first, ...others] = words;
  if (first === undefined) return { code: "bad-command", message: "there is no command", offset: 0 };
  const command =
    commands.get(first.text.startsWith("--") ? first.text : first.text.slice(0, 2)) ?? longCommand(first.text);
  if (command === undefined || !first.text.startsWith("-")) {
    const message = `${shown(first.text)} is no command of ipvsadm; a line begins with -A, -a or another one`;
    return fault("bad-command", message, first);
  }
  if (withoutServers.has(command)) return { command, word: first, options: [], rest: others };
  // what stands behind a short command in its word are options
  const cluster = first.text.startsWith("--") ? "" : first.text.slice(2);
  const words2 = cluster === "" ? others : [{ text: `-${cluster}`, offset: first.offset + 1 }, ...others];
  return readOptions(command, first, words2);
}

function readOptions(command: CommandName, word: Word, words: readonly Word[]): CommandLine | Fault {
  const options: GivenOption[] = [];
  const rest: Word[] = [];
  const seen = new Set<OptionName>();
  let next = 0;
  const take = (form: OptionForm): Word | undefined => {
    const following = words[next];
    if (following === undefined || form.argument === "none") return undefined;
    if (form.argument === "optional" && following.text.startsWith("-")) return undefined;
    next++;
    return following;
  };
  while (next < words.length) {
    const current = words[next++] as Word;
    if (!current.text.startsWith("-") || current.text === "-") {
      rest.push(current);
      continue;
    }
    const found = current.text.startsWith("--") ? readLong(current, take) : readShort(current, take);
    if (!Array.isArray(found)) return found as Fault;
    for (const option of found as readonly GivenOption[]) {
      if (seen.has(option.name)) return fault("option-twice", `--${option.name} is there twice`, option.word);
      seen.add(option.name);
      options.push(option);
    }
  }
  return { command, word, options, rest };
}

type Take = (form: OptionForm) => Word | undefined;

function readLong(word: Word, take: Take): readonly GivenOption[] | Fault {
  const equals = word.text.indexOf("=");
  const name = word.text.slice(2, equals < 0 ? undefined : equals);
  if (!Object.hasOwn(forms, name)) return unknownOption(word);
  const form = forms[name as OptionName];
  const inWord = equals < 0 ? undefined : { text: word.text.slice(equals + 1), offset: word.offset + equals + 1 };
  return withArgument(name as OptionName, word, form, inWord ?? take(form));
}

function withArgument(
  name: OptionName,
  word: Word,
  form: OptionForm,
  value: Word | undefined,
): readonly GivenOption[] | Fault {
  if (form.argument === "one" && value === undefined)
    return fault("missing-argument", `${shown(word.text)} needs an argument`, word);
  if (form.argument === "none" && value !== undefined)
    return fault("unexpected-argument", `${shown(word.text)} takes no argument`, word);
  return [{ name, word, ...(value === undefined ? {} : { value }) }];
}

function readShort(word: Word, take: Take): readonly GivenOption[] | Fault {
  const found: GivenOption[] = [];
  for (let i = 1; i < word.text.length; i++) {
    const own = { text: `-${word.text[i]}`, offset: i === 1 ? word.offset : word.offset + i };
    const name = shortNames.get(word.text[i] as string);
    if (name === undefined) return unknownOption(own);
    const form = forms[name];
    if (form.argument === "none") {
      found.push({ name, word: own });
      continue;
    }
    const start = word.text[i + 1] === "=" ? i + 2 : i + 1;
    const inWord = start < word.text.length ? { text: word.text.slice(start), offset: word.offset + start } : undefined;
    const option = withArgument(name, own, form, inWord ?? take(form));
    return Array.isArray(option) ? [...found, ...option] : option;
  }
  return found;
}

function unknownOption(word: Word): Fault {
  return fault("unknown-option", `there is no option ${shown(word.text)}`, word);
}

/** The options of a line by their names; one that is not given is `undefined`. */
export function optionsOf({ options }: CommandLine): (name: OptionName) => GivenOption | undefined {
  return (name) => options.find((each) => each.name === name);
}

/** The argument of an option that has one. */
export function argumentOf({ value, word }: GivenOption): Word {
  return value ?? word;
}
