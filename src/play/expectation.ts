import { object, type Schema, string, textOf } from "../manifest/schema.ts";

/** What can come of a dialogue: the fate of its first packet, or a connection that one end refused. */
export const results = [
  "delivered",
  "dropped",
  "rejected",
  "reset",
  "no-route",
  "nobody",
  "stuck",
  "lost",
  "unknown",
  "not-sent",
] as const;
export type ResultWord = (typeof results)[number];

const replies = ["as-called", "not-as-called", "lost", "none", "unknown"] as const;

const oneOf = (words: readonly string[]): Schema =>
  textOf((text) => words.includes(text), `one of ${words.join(", ")}`);

/** What an `expect` beside a packet's step wants; what is absent is not looked at. */
export interface Expectation {
  readonly result?: ResultWord;
  /** `ADDRESS:PORT` that the first packet ends at. */
  readonly endpoint?: string;
  /** `NAMESPACE/NAME` of the Pod where it ends. */
  readonly pod?: string;
  /** The node where it ends. */
  readonly node?: string;
  /** The sender as the receiver sees it: `ADDRESS`, or `ADDRESS:PORT` where no port was drawn. */
  readonly sees?: string;
  readonly reply?: (typeof replies)[number];
}

export const expectationSchema: Schema = object({
  result: oneOf(results),
  endpoint: string,
  pod: string,
  node: string,
  sees: string,
  reply: oneOf(replies),
});

/** What came, under the same names; absent where there is no such thing. `seesPort` is `drawn` where the kernel chose one of many. */
export type Outcome = Omit<Expectation, "result" | "sees"> & {
  readonly result: ResultWord;
  readonly sees?: { readonly address: string; readonly port: string; readonly drawn: boolean };
};

function seesText({ sees }: Outcome): string {
  if (sees === undefined) return "nothing";
  return sees.drawn ? `${sees.address} with a port that was drawn` : sees.port;
}

/** What differs between what was expected and what came, a line each. */
export function unmet(expected: Expectation, outcome: Outcome): readonly string[] {
  const { sees, ...words } = expected;
  const found: string[] = [];
  for (const [name, wanted] of Object.entries(words)) {
    const came = outcome[name as keyof typeof words];
    if (came !== wanted) found.push(`expected ${name} ${wanted}, got ${came ?? "none"}`);
  }
  const met =
    sees === undefined || sees === outcome.sees?.address || (!outcome.sees?.drawn && sees === outcome.sees?.port);
  return met ? found : [...found, `expected sees ${sees}, got ${seesText(outcome)}`];
}
