import { flagOption, type RuleModule } from "../module.ts";
import { option } from "../syntax.ts";
import { formatPortRange, type NumberRange, parsePortRange } from "../values.ts";

/** `-j NFQUEUE`: a program decides about the packet; without one it is dropped, or with `bypass` goes on. */
export interface NFQueueTarget {
  readonly kind: "NFQUEUE";
  /** One queue, or several among which connections are spread. */
  readonly queues: NumberRange;
  readonly bypass: boolean;
  /** The processor instead of the connection chooses the queue. */
  readonly cpuFanout: boolean;
}

const MAX = 65535;

/** `A:B` with A < B; `NFQUEUE_MAX` queues at most, which is one less than there are numbers. */
function parseBalance(text: string): NumberRange | undefined {
  const range = text.includes(":") ? parsePortRange(text) : undefined;
  if (range === undefined || range.from === range.to || range.to - range.from >= MAX) return undefined;
  return range;
}

export const nfqueueModule: RuleModule<NFQueueTarget> = {
  kind: "NFQUEUE",
  negatable: [],
  parse: (options) => {
    if (!options.atMostOne("--queue-num", "--queue-balance")) return undefined;
    if (options.has("--queue-cpu-fanout") && !options.has("--queue-balance"))
      return options.fail("--queue-cpu-fanout needs --queue-balance");
    const number = options.number("--queue-num", MAX) ?? 0;
    const balance = options.read("--queue-balance", parseBalance, "a range A:B of queues");
    return {
      kind: "NFQUEUE",
      queues: balance ?? { from: number, to: number },
      bypass: options.has("--queue-bypass"),
      cpuFanout: options.has("--queue-cpu-fanout"),
    };
  },
  format: ({ queues, bypass, cpuFanout }) => [
    queues.from === queues.to
      ? option("--queue-num", `${queues.from}`)
      : option("--queue-balance", formatPortRange(queues)),
    ...flagOption("--queue-bypass", bypass),
    ...flagOption("--queue-cpu-fanout", cpuFanout),
  ],
};
