import type { Clause } from "../../intent/clauses.ts";
import type { Origin } from "../../intent/packet.ts";
import type { KubernetesPromise } from "../../intent/promise.ts";
import type { Packet } from "../../kernel/packet.ts";
import type { IPFamily } from "../../net/family.ts";
import { type Fates, fateKey, fateOf } from "../equivalence/fate.ts";
import type { Deviation } from "./deviations.ts";
import { type Held, type HeldNode, holdToPromises, type Wrong } from "./hold.ts";

/** Packets of one Service's port, or of none, that do not fare as promised, in one way and for one reason. */
export interface BreachGroup {
  /** `shop/web port http`, or the Service alone; absent where no Service has to do with the packets. */
  readonly port: string | undefined;
  /** By which kinds of address the Service was called. */
  readonly by: readonly string[];
  /** Absent for a finding: nothing on the list explains it. */
  readonly deviation: Deviation | undefined;
  readonly breaches: readonly string[];
  readonly from: readonly Origin[];
  readonly kinds: readonly string[];
  readonly classes: number;
  readonly packets: bigint;
  /** One of them, what is promised about it, the sentence that decides, and the ways that are not so. */
  readonly example: Packet;
  readonly promise: KubernetesPromise;
  readonly clause: Clause | undefined;
  readonly fates: Fates;
}

/** What holding a node to promises found. */
export interface PromiseReport {
  readonly node: string;
  readonly family: IPFamily;
  readonly classes: number;
  readonly packets: bigint;
  /** Classes of which nothing is promised, and ways whose end is not known. */
  readonly unsaid: number;
  readonly unknown: number;
  /** Findings first, then by Service. */
  readonly groups: readonly BreachGroup[];
  /** Classes that each entry of the list explains. */
  readonly excused: ReadonlyMap<string, number>;
  /** Why not all packets, or not all of their ways, were looked at; empty when all were. */
  readonly notExhaustive: ReadonlySet<string>;
}

/** `shop/web port http`; the number of a port without a name. */
function portText({ service, port }: KubernetesPromise): string | undefined {
  if (service === undefined) return undefined;
  const { metadata, spec } = service.value;
  const name = `${metadata.namespace ?? ""}/${metadata.name ?? ""}`;
  const own = port === undefined ? undefined : spec?.ports?.[port];
  return own === undefined ? name : `${name} port ${own.name || own.port || ""}`;
}

interface Gathering extends Omit<BreachGroup, "by" | "from" | "kinds"> {
  readonly by: Set<string>;
  readonly from: Set<Origin>;
  readonly kinds: Set<string>;
  classes: number;
  packets: bigint;
}

/** The ways of a class that one reason explains, by the reason's id; those that nothing does by what is not so. */
function byReason(wrong: readonly Wrong[]): ReadonlyMap<string, readonly Wrong[]> {
  const found = new Map<string, Wrong[]>();
  for (const each of wrong) {
    const key = each.deviation?.id ?? `not so: ${each.breaches.join(", ")}`;
    found.set(key, [...(found.get(key) ?? []), each]);
  }
  return found;
}

function gather(into: Map<string, Gathering>, { class: found }: Held, reason: string, wrong: readonly Wrong[]): void {
  const { promise, packet, asked, frontends, size } = found;
  const [first] = wrong;
  if (promise === undefined || first === undefined) return;
  const { deviation, breaches } = first;
  const port = deviation?.general === true ? undefined : portText(promise);
  const key = `${port ?? ""}\n${reason}`;
  const fates = wrong.map(({ way }) => fateOf(found.class.packet, way));
  const group = into.get(key) ?? {
    port,
    by: new Set(),
    deviation,
    breaches,
    from: new Set(),
    kinds: new Set(),
    classes: 0,
    packets: 0n,
    example: packet,
    promise,
    clause: promise.clauses.at(-1),
    fates: new Map(fates.map((fate) => [fateKey(fate), fate])),
  };
  into.set(key, group);
  for (const { kind } of frontends) group.by.add(kind);
  group.from.add(asked.from);
  group.kinds.add(found.class.kind.name);
  group.classes++;
  group.packets += size;
}

const inOrder = (a: Gathering, b: Gathering): number =>
  Number(a.deviation !== undefined) - Number(b.deviation !== undefined) ||
  Number(a.port === undefined) - Number(b.port === undefined) ||
  ((a.port ?? "") < (b.port ?? "") ? -1 : (a.port ?? "") > (b.port ?? "") ? 1 : 0);

/** Holds a node to promises over its whole packet space, and puts together what is not as promised: by Service's port and reason. */
export function reportPromises(held: HeldNode): PromiseReport {
  const groups = new Map<string, Gathering>();
  const excused = new Map<string, number>();
  const notExhaustive = new Set<string>();
  let [classes, packets, unsaid, unknown] = [0, 0n, 0, 0];
  for (const each of holdToPromises(held)) {
    classes++;
    packets += each.class.size;
    if (each.standing === "unsaid") unsaid++;
    unknown += each.unknown;
    for (const why of each.class.class.notExhaustive) notExhaustive.add(why);
    for (const [reason, wrong] of byReason(each.wrong)) {
      if (wrong[0]?.deviation !== undefined) excused.set(reason, (excused.get(reason) ?? 0) + 1);
      gather(groups, each, reason, wrong);
    }
  }
  const sorted = [...groups.values()].sort(inOrder);
  return {
    node: held.node,
    family: held.family,
    classes,
    packets,
    unsaid,
    unknown,
    groups: sorted.map(({ by, from, kinds, ...rest }) => ({
      ...rest,
      by: [...by],
      from: [...from],
      kinds: [...kinds],
    })),
    excused,
    notExhaustive,
  };
}
