import { sourceKey } from "../../src/kernel/conntrack/tuple.ts";
import type { HostState } from "../../src/kernel/state.ts";

const numbers = new WeakMap<object, number>();
let next = 1;

/** Objects that state hangs on (rules' matches) have no name: they are told apart by the order in which they were first seen. */
function numberOf(object: object): number {
  let number = numbers.get(object);
  if (number === undefined) {
    number = next++;
    numbers.set(object, number);
  }
  return number;
}

const sorted = (list: readonly (readonly [string, unknown])[]): unknown =>
  [...list].sort(([a], [b]) => (a < b ? -1 : 1));

/** Everything a state holds as plain data of its own: connections in the order in which they are listed, the rest by key. */
export function snapshot(state: HostState): unknown {
  return structuredClone({
    now: state.now,
    nextId: state.nextId,
    entries: state.entries.list(),
    // what each connection is found by
    found: state.entries
      .list()
      .map(({ original, reply, zone }) => [
        state.entries.find(original, zone)?.id,
        state.entries.find(reply, zone)?.id,
        state.bySource.get(sourceKey(original, zone)),
      ]),
    ofRule: sorted([...state.ofRule].map(([object, value]) => [`${numberOf(object)}`, value])),
    ofName: sorted([...state.ofName]),
  });
}
