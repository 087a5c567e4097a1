/** What a terminal does not show: colours. */
const COLOUR = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, "g");

const shown = (text: string): number => text.replace(COLOUR, "").length;

/**
 * Breaks a text at blanks into lines of at most `width` columns; the first begins with `head`, the others are indented by
 * `indent` columns. A word that is longer than a line stays whole.
 */
export function wrap(head: string, indent: number, text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = head;
  let empty = true;
  const lead = /^ */.exec(text)?.[0] ?? "";
  for (const word of text.slice(lead.length).split(" ")) {
    if (!empty && shown(line) + 1 + shown(word) > width) {
      lines.push(line.trimEnd());
      line = `${" ".repeat(indent)}${lead}  ${word}`;
      continue;
    }
    line += empty ? `${lead}${word}` : ` ${word}`;
    empty = false;
  }
  return [...lines, line.trimEnd()];
}
