/** What happens to a dump on its way from a node into a file: each keeps everything that it says. */
export interface Damage {
  readonly name: string;
  readonly apply: (text: string) => string;
}

const lines = (text: string): string[] => text.replace(/\n$/, "").split("\n");
const each =
  (change: (line: string, index: number) => string) =>
  (text: string): string =>
    lines(text)
      .map((line, i) => `${change(line, i)}\n`)
      .join("");
const before = (prefix: string): ((text: string) => string) => each((line) => prefix + line);

/** As a terminal of this width shows a line. */
export function foldedAt(width: number): (text: string) => string {
  return each((line) => line.match(new RegExp(`.{1,${width}}`, "gu"))?.join("\n") ?? "");
}

/** As a mail program breaks lines: at blanks, which are gone. */
function wrappedAt(width: number): (text: string) => string {
  return each((line) => {
    if (line.startsWith("#")) return line;
    const rows: string[] = [];
    for (const word of line.split(" ")) {
      const last = rows.at(-1);
      if (last === undefined || last.length + 1 + word.length > width) rows.push(word);
      else rows[rows.length - 1] = `${last} ${word}`;
    }
    return rows.join("\n");
  });
}

const pad = (number: number, width: number): string => String(number).padStart(width, "0");
const clock = (i: number): string =>
  `${pad(7 + Math.floor(i / 3600), 2)}:${pad(Math.floor(i / 60) % 60, 2)}:${pad(i % 60, 2)}`;

const prompt = (text: string): string => `root@node-1:~# iptables-save\n${text}root@node-1:~# `;
const crlf = (text: string): string => text.replaceAll("\n", "\r\n");
const colored = each((line) => line.replace(/KUBE-[A-Z]+|-[Aj] \S+/g, "\u001b[01;31m\u001b[K$&\u001b[m\u001b[K"));
const trimmed = each((line) => line.trimEnd());

export const damages: readonly Damage[] = [
  { name: "nothing", apply: (text) => text },
  { name: "CR LF", apply: crlf },
  { name: "CR", apply: (text) => text.replaceAll("\n", "\r") },
  { name: "a byte order mark", apply: (text) => `\ufeff${text}` },
  { name: "prompts", apply: prompt },
  {
    name: "a prompt in brackets",
    apply: (text) => `[root@node-1 ~]# sudo iptables-save -c\n${text}[root@node-1 ~]# exit\n`,
  },
  { name: "a bare prompt", apply: (text) => `$ sudo iptables-save\n${text}$\n` },
  { name: "colours", apply: colored },
  { name: "colours as cat -v shows them", apply: each((line) => line.replace(/-j \S+/g, "^[[1m$&^[[0m")) },
  { name: "a window title", apply: (text) => `\u001b]0;root@node-1: ~\u0007${prompt(text)}` },
  { name: "folded at 40, blanks at the ends lost", apply: (text) => trimmed(foldedAt(40)(text)) },
  { name: "folded at 60", apply: foldedAt(60) },
  { name: "folded at 80", apply: foldedAt(80) },
  { name: "folded at 80, blanks at the ends lost", apply: (text) => trimmed(foldedAt(80)(text)) },
  { name: "folded at 120", apply: foldedAt(120) },
  { name: "broken at blanks", apply: wrappedAt(72) },
  { name: "broken in a quoted mail", apply: (text) => before("> ")(wrappedAt(72)(text)) },
  { name: "the journal", apply: each((line, i) => `Nov 21 ${clock(i)} node-1 sh[4711]: ${line}`) },
  {
    name: "syslog with ISO dates",
    apply: each((line, i) => `2026-11-21T${clock(i)}.123456+01:00 node-1 sh[4711]: ${line}`),
  },
  { name: "kubectl logs --timestamps", apply: each((line, i) => `2026-11-21T${clock(i)}.123456789Z ${line}`) },
  { name: "kubectl logs --prefix", apply: before("[pod/debug-x7k2p/shell] ") },
  { name: "a container's log file", apply: each((line, i) => `2026-11-21T${clock(i)}.123456789Z stdout F ${line}`) },
  { name: "the kernel's log", apply: each((line, i) => `[${pad(i, 5)}.000123] ${line}`) },
  { name: "a log, folded", apply: (text) => foldedAt(100)(each((line, i) => `2026-11-21T${clock(i)}Z ${line}`)(text)) },
  { name: "docker compose logs", apply: before("node-1  | ") },
  {
    name: "a new file in a diff",
    apply: (text) => `--- /dev/null\n+++ b/node.save\n@@ -0,0 +1,${lines(text).length} @@\n${before("+")(text)}`,
  },
  {
    name: "a diff without hunks",
    apply: each((line, i) => `${i % 3 === 0 ? "+" : " "}${line}\n${i % 5 === 0 ? "--A OLD -j DROP" : "-:OLD - [0:0]"}`),
  },
  { name: "a quoted mail", apply: before("> ") },
  { name: "a mail quoted twice", apply: before(">> ") },
  { name: "Markdown", apply: (text) => `Here is what I see:\n\n\`\`\`\n${text}\`\`\`\n\nAny idea?\n` },
  { name: "indentation", apply: before("    ") },
  { name: "cat -n", apply: each((line, i) => `${String(i + 1).padStart(6)}\t${line}`) },
  { name: "grep -n", apply: each((line, i) => `${i + 1}:${line}`) },
  { name: "grep -H", apply: before("node-1/iptables.save:") },
  { name: "grep -nH", apply: each((line, i) => `node-1.save:${i + 1}:${line}`) },
  { name: "blanks that do not break", apply: (text) => before("\u00a0\u00a0")(text) },
  { name: "everything at once", apply: (text) => crlf(colored(prompt(foldedAt(80)(text)))) },
];
