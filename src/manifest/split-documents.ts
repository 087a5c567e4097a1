/** A piece of a YAML stream between two document marks. */
export interface Chunk {
  readonly start: number;
  readonly end: number;
  /** Where something else than a comment stands behind the mark that begins the piece. */
  readonly strayMark: number | undefined;
}

const MARK = "---";

function lineEnd(text: string, offset: number): number {
  const end = text.indexOf("\n", offset);
  return end < 0 ? text.length : end + 1;
}

/** The first mark whose line break stands at or behind `offset`; -1 when there is none. */
function markBehind(text: string, offset: number): number {
  const lineBreak = text.indexOf(`\n${MARK}`, offset);
  return lineBreak < 0 ? -1 : lineBreak + 1;
}

function strayOffset(text: string, mark: number, end: number): number | undefined {
  const rest = text.slice(mark + MARK.length, end);
  const trimmed = rest.trimStart();
  return trimmed === "" || trimmed.startsWith("#") ? undefined : mark + MARK.length + rest.length - trimmed.length;
}

/**
 * Splits a stream where kubectl splits it (apimachinery `YAMLReader`): at every line that begins with `---`, whatever
 * stands in front. Inside a block scalar the mark is indented, so it is none. Only a comment may follow on its line.
 */
export function* splitDocuments(text: string, offset: number): Generator<Chunk> {
  let start = offset;
  let strayMark: number | undefined;
  let mark = text.startsWith(MARK, offset) ? offset : markBehind(text, offset);
  while (mark >= 0) {
    if (mark > start || strayMark !== undefined) yield { start, end: mark, strayMark };
    start = lineEnd(text, mark);
    strayMark = strayOffset(text, mark, start);
    // the line break before the next mark may be the one that ends this mark's line
    mark = markBehind(text, start - 1);
  }
  yield { start, end: text.length, strayMark };
}

/** True when a piece holds only blank lines and comments. */
export function isEmptyDocument(text: string, start: number, end: number): boolean {
  let at = start;
  while (at < end) {
    const code = text.charCodeAt(at);
    if (code === 0x23) at = lineEnd(text, at);
    else if (code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09) at++;
    else return false;
  }
  return true;
}
