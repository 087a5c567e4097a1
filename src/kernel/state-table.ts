/** A table that belongs to a host's state: things go in and out by `HostState.enter` and `leave`. Their order is no part of the state. */
export abstract class StateTable<T> {
  /** Puts in what is not there. */
  abstract add(item: T): void;
  /** Takes out what is there; what it is found by is as it was when it was put in. */
  abstract delete(item: T): void;
}
