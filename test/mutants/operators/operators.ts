import { conditionOperators } from "./conditions.ts";
import type { Operator } from "./fault.ts";
import { matchOperators } from "./matches.ts";
import { nodeOperators } from "./node.ts";
import { placeOperators } from "./places.ts";
import { setOperators } from "./sets.ts";
import { targetOperators } from "./targets.ts";
import { serverOperators } from "./virtual-servers.ts";

/** All kinds of faults, in the order in which tables show them. */
export const operators: readonly Operator[] = [
  ...placeOperators,
  ...conditionOperators,
  ...matchOperators,
  ...targetOperators,
  ...setOperators,
  ...serverOperators,
  ...nodeOperators,
];
