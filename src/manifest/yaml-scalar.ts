/**
 * A plain YAML scalar as Kubernetes reads it (go.yaml.in/yaml/v2 `resolve`, called by sigs.k8s.io/yaml): YAML 1.1
 * booleans and octals, no sexagesimals, timestamps stay texts. Integers carry their exact decimal spelling for keys.
 */
export type YamlScalar =
  | { readonly kind: "null" }
  | { readonly kind: "bool"; readonly value: boolean }
  | { readonly kind: "int"; readonly value: bigint }
  | { readonly kind: "float"; readonly value: number }
  | { readonly kind: "string"; readonly value: string };

const NULL: YamlScalar = { kind: "null" };
const WORDS: ReadonlyMap<string, YamlScalar> = new Map([
  ...["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"].map((word): [string, YamlScalar] => [
    word,
    { kind: "bool", value: true },
  ]),
  ...["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"].map((word): [string, YamlScalar] => [
    word,
    { kind: "bool", value: false },
  ]),
  ...["", "~", "null", "Null", "NULL"].map((word): [string, YamlScalar] => [word, NULL]),
  ...[".nan", ".NaN", ".NAN"].map((word): [string, YamlScalar] => [word, { kind: "float", value: Number.NaN }]),
  ...[".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"].map((word): [string, YamlScalar] => [
    word,
    { kind: "float", value: Number.POSITIVE_INFINITY },
  ]),
  ...["-.inf", "-.Inf", "-.INF"].map((word): [string, YamlScalar] => [
    word,
    { kind: "float", value: Number.NEGATIVE_INFINITY },
  ]),
]);

/** `yamlStyleFloat` of the Go package. */
const FLOAT = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;
/** What Go's `strconv.ParseFloat` takes behind a leading dot: underscores between digits. */
const DOT_FLOAT = /^\.[0-9]+(?:_[0-9]+)*(?:[eE][-+]?[0-9]+(?:_[0-9]+)*)?$/;
const INTEGER = /^([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))$/;
/** The largest signed 64-bit integer. */
export const MAX_INT64: bigint = 2n ** 63n - 1n;
const MAX_UINT64 = 2n ** 64n - 1n;

/** Go's `strconv.ParseInt(text, 0, 64)`, then `ParseUint`: underscores are gone already. */
function readInteger(text: string): bigint | undefined {
  const match = INTEGER.exec(text);
  if (match === null) return undefined;
  const [, sign, hex, binary, octal, decimal] = match;
  // more digits are above 2^64 anyway, and BigInt of a long decimal text is slow
  if (decimal !== undefined && decimal.length > 20) return undefined;
  let value: bigint;
  if (hex !== undefined) value = BigInt(`0x${hex}`);
  else if (binary !== undefined) value = BigInt(`0b${binary}`);
  else if (octal !== undefined) value = BigInt(`0o${octal}`);
  else value = BigInt(decimal ?? 0);
  if (sign === "-") return value <= MAX_INT64 + 1n ? -value : undefined;
  // ParseUint takes no sign, so a positive number with `+` ends at int64
  return value <= (sign === "+" ? MAX_INT64 : MAX_UINT64) ? value : undefined;
}

function readFloat(text: string): number | undefined {
  if (!FLOAT.test(text)) return undefined;
  const value = Number(text);
  // Go reports an overflow as an error, and the scalar stays a text
  return Number.isFinite(value) ? value : undefined;
}

function readNumber(text: string): YamlScalar | undefined {
  const plain = text.replaceAll("_", "");
  const integer = readInteger(plain);
  if (integer !== undefined) return { kind: "int", value: integer };
  const float = readFloat(plain);
  return float === undefined ? undefined : { kind: "float", value: float };
}

/** Resolves the text of a plain scalar; anything not special is a text. */
export function plainScalar(text: string): YamlScalar {
  const first = text.charCodeAt(0);
  const digit = (first >= 0x30 && first <= 0x39) || first === 0x2b || first === 0x2d;
  if (digit) {
    return WORDS.get(text) ?? readNumber(text) ?? { kind: "string", value: text };
  }
  if (first === 0x2e) {
    const word = WORDS.get(text);
    if (word !== undefined) return word;
    const float = DOT_FLOAT.test(text) ? readFloat(text.replaceAll("_", "")) : undefined;
    return float === undefined ? { kind: "string", value: text } : { kind: "float", value: float };
  }
  return (text.length <= 5 ? WORDS.get(text) : undefined) ?? { kind: "string", value: text };
}

/** Go's `strconv.FormatFloat(value, 'g', -1, 32)`: how sigs.k8s.io/yaml spells a float that is a map key. */
export function floatKey(value: number): string {
  if (Number.isNaN(value)) return ".nan";
  const single = Math.fround(value);
  if (!Number.isFinite(single)) return single > 0 ? ".inf" : "-.inf";
  if (single === 0) return Object.is(single, -0) ? "-0" : "0";
  let digits = 1;
  while (digits < 9 && Math.fround(Number(single.toExponential(digits - 1))) !== single) digits++;
  const [mantissa = "", exponentText = "0"] = single.toExponential(digits - 1).split("e");
  const exponent = Number(exponentText);
  const significant = mantissa.replace(/[-.]/g, "").length;
  if (exponent < -4 || exponent >= 6) {
    const size = Math.abs(exponent).toString().padStart(2, "0");
    return `${mantissa}e${exponent < 0 ? "-" : "+"}${size}`;
  }
  return single.toFixed(Math.max(0, significant - 1 - exponent));
}
