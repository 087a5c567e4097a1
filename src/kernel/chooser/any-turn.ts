import type { Chooser } from "../chooser.ts";

/** A chooser that is asked which real server takes a new connection, too (`Chooser.anyTurn`). */
export function anyTurn(chooser: Chooser): Chooser {
  return {
    below: (threshold) => chooser.below(threshold),
    share: (shares) => chooser.share(shares),
    port: (range, isFree) => chooser.port(range, isFree),
    unknown: (what) => chooser.unknown(what),
    ...(chooser.knowsPorts === undefined ? {} : { knowsPorts: chooser.knowsPorts }),
    anyTurn: true,
  };
}
