/** What must not reach a terminal as it is: C0 and C1 controls, bidirectional and invisible marks, lone surrogates. */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Surrogate}]/gu;

function spell(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  if (code === 0x7f) return "␡";
  return `<U+${code.toString(16).toUpperCase().padStart(4, "0")}>`;
}

/** A text with its control characters and other invisible ones spelled out, so that it cannot steer a terminal. */
export function visible(text: string): string {
  return text.replace(HIDDEN, spell);
}
