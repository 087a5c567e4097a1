import { isCollection, isMap, isSeq } from "yaml";

/** The last outermost flow collection (`[…]`, `{…}`) of a tree that begins before `limit`; -1 when there is none. */
export function flowBefore(root: unknown, limit: number): number {
  let found = -1;
  const visit = (node: unknown): void => {
    if (!isCollection(node)) return;
    if (node.flow === true) {
      const start = node.range?.[0] ?? -1;
      if (start <= limit) found = Math.max(found, start);
    } else if (isSeq(node)) for (const item of node.items) visit(item);
    else if (isMap(node)) for (const pair of node.items) visit(pair.value);
  };
  visit(root);
  return found;
}

/** The offset of the quote that closes the scalar opened at `open`, or the end of the text. */
function closingQuote(text: string, open: number): number {
  const quote = text[open];
  for (let at = open + 1; at < text.length; at++) {
    if (text[at] === "\\" && quote === '"') at++;
    else if (text[at] === quote) {
      if (quote === "'" && text[at + 1] === "'") at++;
      else return at;
    }
  }
  return text.length;
}

function lineEnd(text: string, offset: number): number {
  const end = text.indexOf("\n", offset);
  return end < 0 ? text.length : end;
}

/**
 * The text with the flow collection at `start` brought onto one line, all offsets kept: YAML 1.1 asks for no
 * indentation inside `[…]` and `{…}`, YAML 1.2 does. Comments become blanks, and so do line breaks beside `[ ] { } ,`;
 * others stay, for they mean a blank inside a scalar. `undefined` when nothing changes.
 */
export function joinFlow(text: string, start: number): string | undefined {
  const pieces: string[] = [];
  let depth = 0;
  let last = "";
  let at = start;
  let from = 0;
  const blank = (to: number): void => {
    pieces.push(text.slice(from, at), " ".repeat(to - at));
    from = to;
    at = to;
  };
  while (at < text.length) {
    const character = text[at] as string;
    if (character === "\n" || character === "\r") {
      const next = /[^\s]/g;
      next.lastIndex = at;
      const follower = next.exec(text)?.[0] ?? "";
      if ("[{,".includes(last) || "]},#".includes(follower)) blank(at + 1);
      else at++;
      continue;
    }
    if (character === "#" && /\s/.test(text[at - 1] ?? " ")) {
      blank(lineEnd(text, at));
      continue;
    }
    if ((character === '"' || character === "'") && /[\s[{,:?]/.test(text[at - 1] ?? " ")) at = closingQuote(text, at);
    else if (character === "[" || character === "{") depth++;
    else if ((character === "]" || character === "}") && --depth === 0) break;
    if (character.trim() !== "") last = character;
    at++;
  }
  if (from === 0) return undefined;
  pieces.push(text.slice(from));
  return pieces.join("");
}
