import type { RuleModule } from "../module.ts";
import { type Option, option } from "../syntax.ts";
import { savedString } from "../words.ts";

/** `-m comment`: always true. */
export interface CommentMatch {
  readonly kind: "comment";
  readonly comment: string;
}

/** The part of a comment that the kernel gets. What `strncpy` into XT_MAX_COMMENT_LEN (256) keeps: 255 bytes of UTF-8. A character cut in two is left out whole. */
const MAX_BYTES = 255;

export function cutComment(text: string): string {
  if (text.length * 3 <= MAX_BYTES) return text;
  let bytes = 0;
  let end = 0;
  for (const character of text) {
    const code = character.codePointAt(0) as number;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    if (bytes > MAX_BYTES) return text.slice(0, end);
    end += character.length;
  }
  return text;
}

export const commentModule: RuleModule<CommentMatch> = {
  kind: "comment",
  negatable: [],
  parse: (options) => {
    const comment = options.need("--comment", cutComment, "a text");
    return comment === undefined ? undefined : { kind: "comment", comment };
  },
  format: (match): readonly Option[] => [option("--comment", savedString(match.comment))],
};
