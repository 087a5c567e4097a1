import type { RuleModule } from "../module.ts";

/** ACCEPT, DROP, RETURN and the targets that take no options. */
export interface AcceptTarget {
  readonly kind: "ACCEPT";
}
export interface DropTarget {
  readonly kind: "DROP";
}
export interface ReturnTarget {
  readonly kind: "RETURN";
}
/** Conntrack leaves the packet alone; `CT --notrack` does the same and is saved as such. */
export interface NotrackTarget {
  readonly kind: "NOTRACK";
}
export interface TraceTarget {
  readonly kind: "TRACE";
}

function plain<K extends string>(kind: K): RuleModule<{ readonly kind: K }> {
  return { kind, negatable: [], parse: () => ({ kind }), format: () => [] };
}

export const acceptModule: RuleModule<AcceptTarget> = plain("ACCEPT");
export const dropModule: RuleModule<DropTarget> = plain("DROP");
export const returnModule: RuleModule<ReturnTarget> = plain("RETURN");
export const notrackModule: RuleModule<NotrackTarget> = plain("NOTRACK");
export const traceModule: RuleModule<TraceTarget> = plain("TRACE");
