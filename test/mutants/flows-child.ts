/**
 * Plays the flow tables until a row fails, in a process of its own whose emulator may have a fault. Prints the failure; exits with 1
 * when there is one, with 0 when there is none. Anything else: the fault is no running program.
 */
import { readFlows } from "../flows/flow-table.ts";
import { playFlow } from "../flows/play.ts";
import { backends } from "../kernel/tools.ts";

/** The tables of single topics come first, which are quick to read, and the linear walk last, which hardly anything needs. */
function firstFailure(): string | undefined {
  const flows = readFlows().reverse();
  for (const indexed of [true, false]) {
    for (const backend of backends) {
      for (const flow of flows.filter(({ backends: own }) => own.includes(backend))) {
        const failure = playFlow(flow, backend, indexed);
        if (failure !== undefined) return `${failure.flow}: line ${failure.line}`;
      }
    }
  }
  return undefined;
}

try {
  const failure = firstFailure();
  if (failure !== undefined) console.log(failure);
  process.exitCode = failure === undefined ? 0 : 1;
} catch (error) {
  console.error(error);
  process.exitCode = 2;
}
