import type { Answer } from "../classes/answer.ts";
import type { Fate, Fates } from "./fate.ts";

/** What ICMP errors say, by type and code. */
const ERRORS: Readonly<Record<string, string>> = {
  "ICMP 3/0": "network unreachable",
  "ICMP 3/1": "host unreachable",
  "ICMP 3/3": "port unreachable",
  "ICMP 3/13": "prohibited",
  "ICMP 1/0": "no route",
  "ICMP 1/3": "address unreachable",
  "ICMP 1/4": "port unreachable",
};

function endText(fate: Extract<Fate, { readonly kind: "sent-on" | "delivered" }>): string {
  if (fate.to !== undefined) return fate.to;
  return fate.kind === "delivered" ? "the node itself" : `on its way by ${fate.by ?? ""}, untouched`;
}

const ANSWERS: Readonly<Record<Exclude<Answer, "as called">, string>> = {
  "not as called": "the answer is not from whom was called",
  lost: "the answer is lost",
  "not over this node": "the answer goes another way",
  unknown: "whether it is answered is not known",
};

const answerWords = (answer: Answer | undefined): readonly string[] =>
  answer === undefined || answer === "as called" ? [] : [ANSWERS[answer]];

/** What becomes of packets in words; one line for each source that receivers see. */
export function fatesLines(fates: Fates): readonly string[] {
  const bySource = new Map<string, string[]>();
  const others: string[] = [];
  for (const fate of fates.values()) {
    if (fate.kind === "unknown") others.push(`unknown: ${fate.what}`);
    else if (fate.kind === "stopped")
      others.push(
        fate.notice === "nothing"
          ? "dropped, the sender is told nothing"
          : `refused: ${ERRORS[fate.notice] ?? fate.notice}`,
      );
    else {
      const seen = fate.from === undefined ? "source kept" : `seen as ${fate.from}`;
      const source = [seen, ...answerWords(fate.answer)].join("; ");
      bySource.set(source, [...(bySource.get(source) ?? []), endText(fate)]);
    }
  }
  return [...[...bySource].map(([source, ends]) => `${ends.join(" or ")} (${source})`), ...others];
}
