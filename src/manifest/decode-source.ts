import type { Report, Source } from "../text/diagnostic.ts";

/** Largest input that fits into a JavaScript string with room to spare. */
const MAX_BYTES = 500 * 1024 * 1024;

/** How much text is kept around a fault to show it. */
const SHOWN = 64 * 1024;

/** Byte length of the well-formed UTF-8 sequence at `at` (RFC 3629 table), or 0. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0;
  if (first < 0x80) return 1;
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4) return 0;
  for (let i = 1; i < length; i++) {
    const next = bytes[at + i] ?? 0;
    if (next < 0x80 || next > 0xbf) return 0;
  }
  const second = bytes[at + 1] ?? 0;
  if (first === 0xe0 && second < 0xa0) return 0;
  if (first === 0xed && second > 0x9f) return 0;
  if (first === 0xf0 && second < 0x90) return 0;
  return first === 0xf4 && second > 0x8f ? 0 : length;
}

function firstInvalidByte(bytes: Uint8Array): number {
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes, at);
    if (length === 0) return at;
    at += length;
  }
  return bytes.length;
}

/** What a file is that is no UTF-8 text, when its first bytes tell. */
function foreignFormat(bytes: Uint8Array): string | undefined {
  const [a, b] = bytes;
  if ((a === 0xff && b === 0xfe) || (a === 0xfe && b === 0xff)) return "UTF-16: save it as UTF-8";
  if (a === 0x1f && b === 0x8b) return "gzip: unpack it first";
  if (a === 0x50 && b === 0x4b) return "a zip archive: unpack it first";
  return undefined;
}

/** Reports a fault at a byte; the place is in a readable copy of the text up to and around it. */
function reportByte(name: string, bytes: Uint8Array, at: number, code: string, message: string, report: Report): void {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const before = decoder.decode(bytes.subarray(0, at));
  const after = decoder.decode(bytes.subarray(at, at + SHOWN));
  report({
    severity: "error",
    code,
    message,
    place: { source: { name, text: before + after }, offset: before.length },
  });
}

/**
 * Bytes to text: UTF-8, a byte order mark is dropped. Anything else is reported with its place and gives `undefined`:
 * invalid UTF-8, NUL bytes, UTF-16, packed files, inputs of more than 500 MiB.
 */
export function decodeSource(name: string, bytes: Uint8Array, report: Report): Source | undefined {
  const refuse = (code: string, message: string): undefined => {
    report({ severity: "error", code, message, place: { source: { name, text: "" }, offset: 0 } });
    return undefined;
  };
  if (bytes.length > MAX_BYTES) {
    return refuse(
      "too-large",
      `the input has ${Math.ceil(bytes.length / 1048576)} MiB; at most 500 are read: split it`,
    );
  }
  const format = foreignFormat(bytes);
  if (format !== undefined) return refuse("not-utf8", `this is not a text in UTF-8 but ${format}`);
  const nul = bytes.indexOf(0);
  if (nul >= 0) {
    reportByte(name, bytes, nul, "nul-byte", `a NUL byte stands at byte ${nul}: this is no text file`, report);
    return undefined;
  }
  try {
    return { name, text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch {
    const at = firstInvalidByte(bytes);
    const byte = (bytes[at] ?? 0).toString(16).padStart(2, "0");
    reportByte(
      name,
      bytes,
      at,
      "invalid-utf8",
      `byte ${at} (0x${byte}) is not valid UTF-8: save the file as UTF-8`,
      report,
    );
    return undefined;
  }
}
