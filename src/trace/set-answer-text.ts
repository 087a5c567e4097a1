import type { SetAnswer } from "../kernel/event.ts";
import { setWords } from "../kernel/set-entry.ts";

/** What a set said of a packet, in words: the entry that decides, or that there is none. */
export function setAnswerText(answer: SetAnswer): string {
  const { set, member, packet, entry, nomatch, refused } = setWords(answer);
  if (entry === undefined) {
    const none = `${set} has no entry for ${packet ?? "it"}`;
    return refused === undefined ? none : `${set} has ${refused}, whose counters are not as the rule asks`;
  }
  const covers = packet === undefined || packet === entry ? "" : `, which covers ${packet}`;
  const by = member === undefined ? "" : ` by its member ${member}`;
  return `${set} has ${entry}${by}${covers}${nomatch === undefined ? "" : ", and says nomatch"}`;
}
