/** A duration in nanoseconds, or the words of Go's `time.ParseDuration` about a text that is none. */
export type ParsedDuration =
  | { readonly ok: true; readonly nanoseconds: bigint }
  | { readonly ok: false; readonly error: string };

const LIMIT = 1n << 63n;
const UNITS: ReadonlyMap<string, bigint> = new Map([
  ["ns", 1n],
  ["us", 1_000n],
  ["\u00b5s", 1_000n],
  ["\u03bcs", 1_000n],
  ["ms", 1_000_000n],
  ["s", 1_000_000_000n],
  ["m", 60_000_000_000n],
  ["h", 3_600_000_000_000n],
]);

const PART = /([0-9]*)(?:\.([0-9]*))?([^.0-9]*)/y;

/** The quotation of package time: everything but printable ASCII as the bytes of its UTF-8. */
function timeQuote(text: string): string {
  let quoted = "";
  for (const character of text) {
    if (character === '"' || character === "\\") quoted += `\\${character}`;
    else if (character >= " " && character <= "\u007f") quoted += character;
    else for (const byte of new TextEncoder().encode(character)) quoted += `\\x${byte.toString(16).padStart(2, "0")}`;
  }
  return `"${quoted}"`;
}

function failure(error: string): ParsedDuration {
  return { ok: false, error };
}

/**
 * The digits behind the point times the unit, in nanoseconds. Go does this in floating point, cutting off what does
 * not fit (`leadingFraction`), and so does this: the last digit may depend on it.
 */
function fraction(digits: string, unit: bigint): bigint {
  let value = 0n;
  let scale = 1;
  for (const digit of digits) {
    const next = value * 10n + BigInt(digit);
    if (value > (LIMIT - 1n) / 10n || next > LIMIT) break;
    value = next;
    scale *= 10;
  }
  return BigInt(Math.trunc(Number(value) * (Number(unit) / scale)));
}

/** Reads a duration text exactly as Go's `time.ParseDuration` does (`30s`, `1h0m0s`, `-1.5h`). */
export function parseDuration(text: string): ParsedDuration {
  const invalid = `time: invalid duration ${timeQuote(text)}`;
  const negative = text.startsWith("-");
  const rest = text.replace(/^[-+]/, "");
  if (rest === "0") return { ok: true, nanoseconds: 0n };
  if (rest === "") return failure(invalid);
  let total = 0n;
  for (let at = 0; at < rest.length; ) {
    PART.lastIndex = at;
    const [part = "", written = "", digits = "", name = ""] = PART.exec(rest) ?? [];
    if (written === "" && digits === "") return failure(invalid);
    const whole = written.replace(/^0+(?=.)/, "");
    if (whole.length > 19 || BigInt(whole) > LIMIT) return failure(invalid);
    if (name === "") return failure(`time: missing unit in duration ${timeQuote(text)}`);
    const unit = UNITS.get(name);
    if (unit === undefined) return failure(`time: unknown unit ${timeQuote(name)} in duration ${timeQuote(text)}`);
    total += BigInt(whole) * unit + fraction(digits, unit);
    if (total > LIMIT) return failure(invalid);
    at += part.length;
  }
  if (!negative && total === LIMIT) return failure(invalid);
  return { ok: true, nanoseconds: negative ? -total : total };
}

function decimal(value: bigint, digits: number): string {
  const text = value.toString().padStart(digits + 1, "0");
  const point = text.length - digits;
  const behind = text.slice(point).replace(/0+$/, "");
  return behind === "" ? text.slice(0, point) : `${text.slice(0, point)}.${behind}`;
}

/** Writes nanoseconds as Go's `Duration.String` does: `1h0m0s`, `1.5s`, `250ms`, `0s`. */
export function formatDuration(nanoseconds: bigint): string {
  if (nanoseconds === 0n) return "0s";
  const sign = nanoseconds < 0n ? "-" : "";
  const value = nanoseconds < 0n ? -nanoseconds : nanoseconds;
  if (value < 1_000n) return `${sign}${value}ns`;
  if (value < 1_000_000n) return `${sign}${decimal(value, 3)}\u00b5s`;
  if (value < 1_000_000_000n) return `${sign}${decimal(value, 6)}ms`;
  const minutes = value / 60_000_000_000n;
  const seconds = `${decimal(value % 60_000_000_000n, 9)}s`;
  if (minutes === 0n) return sign + seconds;
  if (minutes < 60n) return `${sign}${minutes}m${seconds}`;
  return `${sign}${minutes / 60n}h${minutes % 60n}m${seconds}`;
}
