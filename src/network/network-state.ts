import { HostState, type StateMark } from "../kernel/state.ts";

/**
 * The states of all hosts as one: marks and roll-backs are of all of them together. A host's state begins when it is
 * first asked for; one that began behind a mark is empty again after the roll-back.
 */
export class NetworkState {
  readonly #states: Map<string, HostState>;
  /** The marks of every host for each mark given out. */
  readonly #frames: Map<string, StateMark>[] = [];

  /** `known`: states that hosts begin with, by name. */
  constructor(known: Iterable<readonly [host: string, state: HostState]> = []) {
    this.#states = new Map(known);
  }

  /** The state of one host, by name. */
  of(host: string): HostState {
    const known = this.#states.get(host);
    if (known !== undefined) return known;
    const state = new HostState();
    this.#states.set(host, state);
    for (const frame of this.#frames) frame.set(host, state.mark());
    return state;
  }

  /** Every mark must be given back to `rollback` or `release`, the last one first. */
  mark(): StateMark {
    this.#frames.push(new Map([...this.#states].map(([host, state]) => [host, state.mark()])));
    return this.#frames.length - 1;
  }

  rollback(mark: StateMark): void {
    for (const [host, at] of this.#last(mark)) this.of(host).rollback(at);
  }

  /** Keeps what was done since the mark. */
  release(mark: StateMark): void {
    for (const [host, at] of this.#last(mark)) this.of(host).release(at);
  }

  #last(mark: StateMark): ReadonlyMap<string, StateMark> {
    const frame = this.#frames.pop();
    if (frame === undefined || this.#frames.length !== mark)
      throw new RangeError("marks are given back in the reverse order");
    return frame;
  }
}
