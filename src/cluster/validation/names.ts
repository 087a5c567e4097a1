import { byteLength } from "./go-text.ts";

/** A check of a text: the messages of everything wrong with it, none when it is right. */
export type TextCheck = (text: string) => readonly string[];

const NONE: readonly string[] = [];
const LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`;
const LABEL_1035 = "[a-z]([-a-z0-9]*[a-z0-9])?";
const KEY_NAME = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const LABEL_VALUE = `(${KEY_NAME})?`;

const LABEL_REGEXP = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
// the label's own pattern repeated would backtrack on long texts; a split at the dots gives the same answer
const isSubdomainText = (text: string): boolean => text.split(".").every((label) => LABEL_REGEXP.test(label));
const LABEL_1035_REGEXP = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const KEY_NAME_REGEXP = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const PORT_NAME_REGEXP = /^[-a-z0-9]+$/;

/** Upstream counts bytes everywhere; only its label checks (package content) say so. */
function maxLength(length: number, unit = "characters"): string {
  return `must be no more than ${length} ${unit}`;
}

/** `validation.RegexError`: the examples are joined in the odd way upstream joins them. */
function mismatch(message: string, pattern: string, ...examples: readonly string[]): string {
  const shown = examples.map((example) => `'${example}', `).join(" or ");
  return `${message} (e.g. ${shown}regex used for validation is '${pattern}')`;
}

const LABEL_MISMATCH = mismatch(
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
  LABEL,
  "my-name",
  "123-abc",
);
const SUBDOMAIN_MISMATCH = mismatch(
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
  SUBDOMAIN,
  "example.com",
);
const LABEL_1035_MISMATCH = mismatch(
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
  LABEL_1035,
  "my-name",
  "abc-123",
);
const KEY_MISMATCH = mismatch(
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  KEY_NAME,
  "MyName",
  "my.name",
  "123-abc",
);
const VALUE_MISMATCH = mismatch(
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  LABEL_VALUE,
  "MyValue",
  "my_value",
  "12345",
);

/** `validation.IsDNS1123Label`. */
export function dns1123Label(text: string): readonly string[] {
  const tooLong = byteLength(text) > 63;
  if (!tooLong && LABEL_REGEXP.test(text)) return NONE;
  const messages = tooLong ? [maxLength(63)] : [];
  if (!LABEL_REGEXP.test(text)) messages.push(isSubdomainText(text) ? "must not contain dots" : LABEL_MISMATCH);
  return messages;
}

function subdomain(text: string, unit: string): readonly string[] {
  const messages = byteLength(text) > 253 ? [maxLength(253, unit)] : [];
  if (!isSubdomainText(text)) messages.push(SUBDOMAIN_MISMATCH);
  return messages;
}

/** `validation.IsDNS1123Subdomain`. */
export function dns1123Subdomain(text: string): readonly string[] {
  return subdomain(text, "characters");
}

/** `validation.IsDNS1035Label`. */
export function dns1035Label(text: string): readonly string[] {
  const messages = byteLength(text) > 63 ? [maxLength(63)] : [];
  if (!LABEL_1035_REGEXP.test(text)) messages.push(LABEL_1035_MISMATCH);
  return messages;
}

/** `content.IsLabelKey`, also known as a qualified name: a name with an optional DNS prefix and `/`. */
export function qualifiedName(text: string): readonly string[] {
  const parts = text.split("/");
  if (parts.length > 2) {
    return [
      `a valid label key ${KEY_MISMATCH} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  }
  const messages: string[] = [];
  const name = parts[parts.length - 1] as string;
  if (parts.length === 2) {
    const prefix = parts[0] as string;
    if (prefix === "") messages.push("prefix part must be non-empty");
    else messages.push(...subdomain(prefix, "bytes").map((message) => `prefix part ${message}`));
  }
  if (name === "") messages.push("name part must be non-empty");
  else if (byteLength(name) > 63) messages.push(`name part ${maxLength(63, "bytes")}`);
  if (!KEY_NAME_REGEXP.test(name)) messages.push(`name part ${KEY_MISMATCH}`);
  return messages;
}

/** `content.IsLabelValue`. */
export function labelValue(text: string): readonly string[] {
  if (text === "") return NONE;
  const messages = byteLength(text) > 63 ? [maxLength(63, "bytes")] : [];
  if (!KEY_NAME_REGEXP.test(text)) messages.push(VALUE_MISMATCH);
  return messages;
}

/** `validation.IsValidPortNum`. */
export function portNumber(port: number): readonly string[] {
  return port >= 1 && port <= 65535 ? NONE : ["must be between 1 and 65535, inclusive"];
}

/** `validation.IsValidPortName`: the IANA form of a service name. */
export function portName(text: string): readonly string[] {
  const messages: string[] = [];
  if (byteLength(text) > 15) messages.push(maxLength(15));
  if (!PORT_NAME_REGEXP.test(text)) {
    messages.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
  }
  if (!/[a-z]/.test(text)) messages.push("must contain at least one letter (a-z)");
  if (text.includes("--")) messages.push("must not contain consecutive hyphens");
  if (text.startsWith("-") || text.endsWith("-")) messages.push("must not begin or end with a hyphen");
  return messages;
}

/**
 * `maskTrailingDash`: a generateName may end in a dash, so the check sees a letter in its place. Upstream drops
 * two characters and adds one, and so does this.
 */
export function maskTrailingDash(prefix: string): string {
  return prefix.length > 1 && prefix.endsWith("-") ? `${prefix.slice(0, -2)}a` : prefix;
}
