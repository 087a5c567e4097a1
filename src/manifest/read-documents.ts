import type { Diagnostic, Report, Source } from "../text/diagnostic.ts";
import type { DuplicateKey } from "./json-duplicates.ts";
import { type JsonError, jsonError } from "./json-error.ts";
import { skipBlank, valueEnd } from "./json-scan.ts";
import type { Origin } from "./object.ts";
import { isEmptyDocument, splitDocuments } from "./split-documents.ts";
import { parseYaml, type ReadFault } from "./yaml-document.ts";
import { yamlValue } from "./yaml-value.ts";

/**
 * A document as a plain value. `duplicates` are the repeated keys of a YAML document, with offsets in the source; of
 * a JSON document they are not known yet.
 */
export interface RawDocument {
  readonly origin: Origin;
  readonly value: unknown;
  readonly duplicates: readonly DuplicateKey[] | undefined;
}

/** Longest text that was meant as JSON and is tried as YAML when it is none. */
const YAML_ATTEMPT = 1024 * 1024;

/** What one source is read with. */
interface Reading {
  readonly source: Source;
  readonly report: Report;
  readonly take: (document: RawDocument) => void;
}

function complain(
  reading: Reading,
  code: string,
  offset: number,
  message: string,
  severity: Diagnostic["severity"],
): void {
  reading.report({ severity, code, message, place: { source: reading.source, offset } });
}

function originOf(reading: Reading, format: "yaml" | "json", offset: number, end: number): Origin {
  return { source: reading.source, format, offset, end, path: [] };
}

/** Reads one YAML document and hands it on, or says what is wrong with it. */
function readYaml(reading: Reading, start: number, end: number): ReadFault | undefined {
  const text = reading.source.text.slice(start, end);
  const document = parseYaml(text);
  if ("fault" in document) return document.fault;
  const read = yamlValue(document.contents, text);
  if ("fault" in read) return read.fault;
  if (document.rest !== undefined) {
    const message = "not read: Kubernetes stops at the line '...'; begin a new document with '---'";
    complain(reading, "content-after-document-end", start + document.rest, message, "warning");
  }
  if (read.value !== null) {
    const duplicates = read.duplicates.map(({ path, offset }) => ({ path, offset: start + offset }));
    reading.take({ origin: originOf(reading, "yaml", start, end), value: read.value, duplicates });
  }
  return undefined;
}

/** Reads one JSON value and hands it on; false when it is not valid. */
function readJson(reading: Reading, start: number, end: number): boolean {
  const { text } = reading.source;
  let value: unknown;
  try {
    value = JSON.parse(start === 0 && end === text.length ? text : text.slice(start, end));
  } catch {
    return false;
  }
  if (value !== null) reading.take({ origin: originOf(reading, "json", start, end), value, duplicates: undefined });
  return true;
}

/** A value that looked like JSON and is none: perhaps it is a YAML flow mapping such as `{a: b}`. */
function readFlow(reading: Reading, start: number, end: number, error: JsonError): boolean {
  const container = "{[".includes(reading.source.text[start] as string);
  if (container && !error.ended && end - start <= YAML_ATTEMPT && readYaml(reading, start, end) === undefined)
    return true;
  complain(reading, "json-syntax", error.offset, `invalid JSON: ${error.message}`, "error");
  return false;
}

function notJson(offset: number): JsonError {
  return { offset, message: "this is not a JSON value", ended: false };
}

/** Reads JSON values that stand one behind another; a bad one does not hide the next. */
function readJsonStream(reading: Reading, start: number, end: number): void {
  const { text } = reading.source;
  let at = skipBlank(text, start);
  for (let count = 0; at < end; count++, at = skipBlank(text, at)) {
    if (text[at] === "#") {
      const next = text.indexOf("\n", at);
      at = next < 0 ? end : next;
      continue;
    }
    const behind = valueEnd(text, at, end);
    if (behind >= 0 && readJson(reading, at, behind)) {
      at = behind;
      continue;
    }
    const error = jsonError(text, at, behind < 0 ? end : behind) ?? notJson(at);
    const whole = count === 0 || behind < 0;
    const read = readFlow(reading, at, whole ? end : behind, error);
    if ((read && whole) || behind < 0 || !"{[".includes(text[at] as string)) return;
    at = behind;
  }
}

function readChunk(reading: Reading, start: number, end: number): void {
  const { text } = reading.source;
  if (isEmptyDocument(text, start, end)) return;
  const first = text[skipBlank(text, start)] ?? "";
  if (first === "{" || first === "[") {
    readJsonStream(reading, start, end);
    return;
  }
  const fault = readYaml(reading, start, end);
  if (fault !== undefined) complain(reading, fault.code, start + fault.offset, fault.message, "error");
}

/**
 * Reads a source into documents and hands them on one by one: JSON when the first character says so, concatenated
 * JSON, or YAML documents between `---` lines. Faults are reported with their place; the other documents are read.
 */
export function readDocuments(source: Source, report: Report, take: (document: RawDocument) => void): void {
  const reading: Reading = { source, report, take };
  const { text } = source;
  const start = text.charCodeAt(0) === 0xfeff ? 1 : 0;
  const first = skipBlank(text, start);
  if (text[first] === "{" && readJson(reading, first === 0 ? 0 : first, text.length)) return;
  for (const chunk of splitDocuments(text, start)) {
    if (chunk.strayMark !== undefined) {
      const message = "only a comment may follow '---': Kubernetes refuses the whole stream otherwise";
      complain(reading, "document-separator", chunk.strayMark, message, "error");
    }
    readChunk(reading, chunk.start, chunk.end);
  }
}
