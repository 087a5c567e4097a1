import type { Fates } from "./fate.ts";
import { type Outcome, outcomesOf } from "./impact.ts";
import type { IntendedDifference } from "./intended.ts";
import type { Subject } from "./subject.ts";

/** A difference that somebody accepts: what has all that is asked for. At least one thing is. */
export interface AllowedDifference {
  /** An entry of the list of intended differences. */
  readonly id?: string;
  /** `NAMESPACE/NAME`, or `NAMESPACE/*` */
  readonly service?: string;
  /** Name of the Service's port, or its number where it has none. */
  readonly port?: string;
  readonly by?: readonly Subject["by"][];
  /** `TCP`, `UDP`: kinds of packets. */
  readonly kinds?: readonly string[];
  /** `Pods`, `outside`: who sends. */
  readonly from?: readonly string[];
  /** What becomes of the packets on the two sides. */
  readonly fates?: readonly [Outcome, Outcome];
  /** Why it is accepted. */
  readonly reason: string;
}

/** A difference of one class, as entries ask for it. */
export interface Difference {
  readonly intended: IntendedDifference | undefined;
  readonly subject: Subject | undefined;
  readonly kind: string;
  readonly from: string;
  readonly fates: readonly [Fates, Fates];
}

function isService(wanted: string, subject: Subject | undefined): boolean {
  if (subject === undefined) return false;
  return wanted.endsWith("/*") ? subject.service.startsWith(wanted.slice(0, -1)) : subject.service === wanted;
}

const isPort = (wanted: string, subject: Subject | undefined): boolean =>
  subject !== undefined && subject.port === `${subject.service} port ${wanted}`;

/** Every way that a packet can take is one of what is accepted: an endpoint on one way and a drop on another is neither. */
function hasFates([before, after]: readonly [Outcome, Outcome], fates: readonly [Fates, Fates]): boolean {
  return [before, after].every((wanted, i) => [...outcomesOf(fates[i] as Fates)].every((found) => found === wanted));
}

/** Is a difference what an entry allows? */
export function isAllowedBy(entry: AllowedDifference, found: Difference): boolean {
  const { id, service, port, by, kinds, from, fates } = entry;
  return (
    (id === undefined || found.intended?.id === id) &&
    (service === undefined || isService(service, found.subject)) &&
    (port === undefined || isPort(port, found.subject)) &&
    (by === undefined || (found.subject !== undefined && by.includes(found.subject.by))) &&
    (kinds?.includes(found.kind) ?? true) &&
    (from?.includes(found.from) ?? true) &&
    (fates === undefined || hasFates(fates, found.fates))
  );
}
