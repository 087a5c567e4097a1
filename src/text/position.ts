/** A place for people: 1-based line and column, the column counted in characters. */
export interface LineColumn {
  readonly line: number;
  readonly column: number;
}

/** Line and column of an offset (UTF-16 units); offsets behind the end count as the end. */
export function lineColumn(text: string, offset: number): LineColumn {
  const end = Math.max(0, Math.min(offset, text.length));
  let line = 1;
  let start = 0;
  for (let next = text.indexOf("\n"); next >= 0 && next < end; next = text.indexOf("\n", start)) {
    line++;
    start = next + 1;
  }
  return { line, column: [...text.slice(start, end)].length + 1 };
}
