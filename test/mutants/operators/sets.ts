import { formatIP } from "../../../src/net/ip.ts";
import { maskAddress } from "../../../src/net/prefix.ts";
import { elementKey } from "../../../src/rules/ipset/lookup.ts";
import type { IPSet, SetElement, Value } from "../../../src/rules/ipset/model.ts";
import type { Rule } from "../../../src/rules/iptables/model.ts";
import { chainKey, type Fault, type Operator, type Subject, withSets } from "./fault.ts";
import { nextTo, otherProtocol, turnedBit } from "./values.ts";

interface ElementSite {
  readonly set: IPSet;
  readonly index: number;
  readonly element: SetElement;
}

function valueText(value: Value): string {
  if (value.kind === "ip") return formatIP(value.address);
  if (value.kind === "net") return `${formatIP(value.address)}/${value.length}`;
  return value.kind === "port" ? `${value.protocol ?? ""}:${value.port}` : value.kind;
}
const elementText = ({ values }: SetElement): string => values.map(valueText).join(",");

/** Bitmaps of ports have a name for each family, and no family. */
const isOf = ({ name }: IPSet, family: Subject["family"]): boolean =>
  name.startsWith("KUBE-6-") === (family === "IPv6");

/** Chains with a rule that asks one of these sets. */
function chainsAsking({ host, family }: Subject, sets: readonly string[]): ReadonlySet<string> {
  const asks = ({ matches }: Rule): boolean =>
    matches.some((match) => match.kind === "set" && sets.includes(match.set.value));
  const found = new Set<string>();
  for (const table of host.rules[family].tables.values())
    for (const chain of table.chains.values()) if (chain.rules.some(asks)) found.add(chainKey(table.name, chain.name));
  return found;
}

/** An operator on each element of each set: `change` gives the sets that have other elements now. */
function elementOperator(name: string, change: (site: ElementSite, subject: Subject) => readonly IPSet[][]): Operator {
  return {
    name,
    *faults(subject): Generator<Fault> {
      for (const set of subject.sets) {
        if (!isOf(set, subject.family)) continue;
        for (const [index, element] of set.elements.entries()) {
          for (const changed of change({ set, index, element }, subject)) {
            const names = changed.map((each) => each.name);
            const now = changed.map((each) => each.elements[index]).map((each) => (each ? elementText(each) : "-"));
            yield {
              operator: name,
              place: `${set.name} ${elementText(element)} (${names.join(" and ")}: ${now.join(", ")})`,
              chains: chainsAsking(subject, names),
              host: () =>
                withSets(
                  subject.host,
                  subject.sets.map((each) => changed.find((other) => other.name === each.name) ?? each),
                ),
            };
          }
        }
      }
    },
  };
}

const withElements = (set: IPSet, elements: readonly SetElement[]): IPSet => ({ ...set, elements });
const dropped = ({ set, index }: ElementSite): IPSet => withElements(set, set.elements.toSpliced(index, 1));

/** The set with an element's values changed one by one; a set does not hold an element twice. */
function changedValues({ set, index, element }: ElementSite, change: (value: Value) => readonly Value[]): IPSet[][] {
  const keys = new Set(set.elements.map(({ values }) => elementKey(values)));
  return element.values.flatMap((value, at) =>
    change(value).flatMap((other) => {
      const values = element.values.with(at, other);
      return keys.has(elementKey(values))
        ? []
        : [[withElements(set, set.elements.with(index, { ...element, values }))]];
    }),
  );
}

/** Faults of what sets hold. */
export const setOperators: readonly Operator[] = [
  elementOperator("drop a set element", (site) => [[dropped(site)]]),
  elementOperator("another address in a set", (site) =>
    changedValues(site, (value) => {
      if (value.kind === "ip") return [{ ...value, address: nextTo(value.address) }];
      if (value.kind !== "net") return [];
      const { address, length } = value;
      return [
        { ...value, address: turnedBit(address, length - 1) },
        { ...value, address: maskAddress(address, length - 1), length: length - 1 },
      ];
    }),
  ),
  elementOperator("another port in a set", (site) =>
    changedValues(site, (value) => {
      if (value.kind !== "port") return [];
      const next = { ...value, port: value.port + 1 };
      const { protocol } = value;
      return protocol === undefined ? [next] : [next, { ...value, protocol: otherProtocol(protocol) }];
    }),
  ),
  elementOperator("an element in the next set of its kind", (site, { sets, family }) => {
    const alike = sets.filter((each) => each.type === site.set.type && isOf(each, family));
    const next = alike[(alike.indexOf(site.set) + 1) % alike.length] as IPSet;
    if (next === site.set || next.elements.some(({ values }) => elementKey(values) === elementKey(site.element.values)))
      return [];
    return [[dropped(site), withElements(next, [...next.elements, site.element])]];
  }),
];
