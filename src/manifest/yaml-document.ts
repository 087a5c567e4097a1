import { Composer, type Document, Lexer, type ParsedNode, Parser } from "yaml";
import { flowBefore, joinFlow } from "./yaml-flow.ts";

/** Something that keeps a document from being read; `offset` counts from the beginning of the document's text. */
export interface ReadFault {
  readonly code: string;
  readonly offset: number;
  readonly message: string;
}

/** A parsed YAML document, or what is wrong with it. `rest` is where a second document behind `...` begins. */
export type YamlDocument =
  | { readonly contents: ParsedNode | null; readonly rest: number | undefined }
  | { readonly fault: ReadFault };

/** Deepest nesting that is read; real objects stay below 50. */
const MAX_DEPTH = 300;

/** Longest document that is read as YAML, in UTF-16 units: a tree takes about 90 times its text. */
const MAX_LENGTH = 16 * 1024 * 1024;

/**
 * Characters that go.yaml.in/yaml/v2 refuses anywhere in a stream (`readerc.go`), and U+0085, U+2028, U+2029, which it
 * reads as line breaks and this reader does not: better refused than read differently.
 */
const FORBIDDEN = /[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u;

/** A directive before the document, except the one that Kubernetes accepts. */
const DIRECTIVE = /^(?:[ \t]*(?:#[^\n]*)?\r?\n)*%(?!YAML[ \t]+1\.1\s|TAG\s)/;

/**
 * How much text is read again to bring flow collections into YAML 1.2's form: each one costs a reading of its document,
 * so a document of 2 KB may have 128 of them.
 */
const PATCH_BUDGET = 256 * 1024;

const OPTIONS = {
  schema: "failsafe",
  resolveKnownTags: false,
  merge: false,
  uniqueKeys: false,
  strict: true,
  prettyErrors: false,
} as const;

function fault(code: string, offset: number, message: string): YamlDocument {
  return { fault: { code, offset, message } };
}

function compose(text: string): Document.Parsed[] | ReadFault {
  const lexer = new Lexer();
  const parser = new Parser();
  const composer = new Composer(OPTIONS);
  const documents: Document.Parsed[] = [];
  for (const lexeme of lexer.lex(text)) {
    for (const token of parser.next(lexeme)) documents.push(...composer.next(token));
    if (parser.stack.length > MAX_DEPTH) {
      return {
        code: "too-deep",
        offset: parser.offset,
        message: `nested more than ${MAX_DEPTH} levels deep: not read`,
      };
    }
  }
  for (const token of parser.end()) documents.push(...composer.next(token));
  documents.push(...composer.end(true, text.length));
  return documents;
}

/**
 * Parses one YAML document into a tree with ranges; scalars stay texts. What follows a `...` line is not read, as
 * Kubernetes does not read it.
 */
export function parseYaml(text: string): YamlDocument {
  if (text.length > MAX_LENGTH) {
    const size = Math.ceil(text.length / 1048576);
    return fault(
      "too-large",
      0,
      `a YAML document of ${size} MiB is not read (limit 16 MiB): split it, or write it as JSON`,
    );
  }
  const hidden = FORBIDDEN.exec(text);
  if (hidden !== null) {
    const code = (hidden[0].codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
    return fault(
      "control-character",
      hidden.index,
      `U+${code} must not stand in YAML: write it as an escape in double quotes`,
    );
  }
  const directive = text.startsWith("%") || text.includes("\n%") ? DIRECTIVE.exec(text) : null;
  if (directive !== null) {
    const offset = directive[0].lastIndexOf("%");
    return fault("yaml-directive", offset, "Kubernetes reads no YAML directive but %YAML 1.1: remove the line");
  }
  // a lone carriage return is a line break for Kubernetes; the replacement keeps all offsets
  return parsePatched(text.includes("\r") ? text.replace(/\r(?!\n)/g, "\n") : text, PATCH_BUDGET);
}

/** True for a complaint of the YAML 1.2 reader about a text that YAML 1.1 allows: `'x'# comment`. */
function isHarmless(error: Document.Parsed["errors"][number]): boolean {
  return error.code === "MISSING_CHAR" && error.message.startsWith("Comments must be separated");
}

function parsePatched(text: string, budget: number): YamlDocument {
  const documents = compose(text);
  if (!Array.isArray(documents)) return { fault: documents };
  const [first, second] = documents;
  if (first === undefined) return { contents: null, rest: undefined };
  const error = first.errors.find((candidate) => !isHarmless(candidate));
  if (error === undefined) return { contents: first.contents, rest: second?.contents?.range[0] };
  if (error.code === "RESOURCE_EXHAUSTION") return fault("too-deep", error.pos[0], "nested too deeply: not read");
  if (error.code === "BAD_INDENT" && budget > text.length) {
    const start = flowBefore(first.contents, error.pos[0]);
    const joined = start < 0 ? undefined : joinFlow(text, start);
    if (joined !== undefined) return parsePatched(joined, budget - text.length);
  }
  return fault("yaml-syntax", error.pos[0], error.message);
}
