import { visible } from "../text/visible.ts";
import type { ExplainTextOptions } from "./explain-report.ts";
import type { ExplainedPacket, ExplainedStep } from "./explain-trace.ts";

function stepLines({ step, words, rule, service, packet }: ExplainedStep, before: string): string[] {
  const place = step.number === undefined ? step.chain : `${step.chain} ${step.number}`;
  const head = `  ${String(step.line).padStart(5)}  ${step.table.padEnd(8)} ${place}: ${words}${service === undefined ? "" : `   [${service}]`}`;
  const changed = packet === before ? [] : [`         ${packet}`];
  return rule === undefined || rule === "" ? [...changed, head] : [...changed, head, `                  ${rule}`];
}

/** A trace in words as people read it, a packet at a time; each step begins with its line in the log. */
export function* explainTraceText(
  packets: Iterable<ExplainedPacket>,
  { strong }: ExplainTextOptions,
): Generator<string> {
  let number = 0;
  for (const { steps, end } of packets) {
    number++;
    let before = steps[0]?.packet ?? "";
    const lines: string[] = [];
    for (const step of steps) {
      lines.push(...stepLines(step, before));
      before = step.packet;
    }
    const body = lines.map((line) => `${visible(line)}\n`).join("");
    const gap = number === 1 ? "" : "\n";
    yield `${gap}${strong(`PACKET ${number}`)}  ${visible(steps[0]?.packet ?? "")}\n${body}${strong("END")}  ${visible(end)}\n`;
  }
}

/** Version of the JSON form; it grows when a field changes its meaning or goes. */
const VERSION = 1;

/** A trace in words for programs: the pieces of one JSON text, a packet at a time. */
export function* explainTraceJSON(packets: Iterable<ExplainedPacket>): Generator<string> {
  yield `{"version": ${VERSION}, "packets": [`;
  let first = true;
  for (const { packet, steps, end } of packets) {
    const { family, form } = packet;
    const told = steps.map(({ step, ...words }) => {
      const { packet: fields, ...place } = step;
      const { rule, ...others } = words;
      return {
        ...place,
        ...others,
        ...(rule === undefined ? {} : { rule }),
        fields: Object.fromEntries(fields.values),
      };
    });
    yield `${first ? "" : ","}\n${JSON.stringify({ family, form, steps: told, end })}`;
    first = false;
  }
  yield "\n]}\n";
}
