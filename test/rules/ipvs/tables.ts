import fc from "fast-check";
import type { IPAddress } from "../../../src/net/ip.ts";
import {
  connectionStates,
  type IPVSConnection,
  type IPVSTable,
  type RealServer,
  schedulers,
  type VirtualServer,
  type VirtualServerKey,
} from "../../../src/rules/ipvs/model.ts";
import { printedOrder } from "../../../src/rules/ipvs/order.ts";
import { formatEnd, formatKey } from "../../../src/rules/ipvs/spelling.ts";

const uint32 = fc.oneof(fc.nat({ max: 0xffffffff }), fc.constantFrom(0x0a600001, 0xc0a80101, 0x7f000001, 0xffff, 0));
/** Differences of these do not wrap. */
const uint31 = fc.oneof(fc.nat({ max: 0x7fffffff }), fc.constantFrom(0x0a600001, 0x7f000001, 0xffff, 0));
const port = fc.integer({ min: 1, max: 65535 });
const int = fc.nat({ max: 0x7fffffff });

function addresses(word: fc.Arbitrary<number>): fc.Arbitrary<IPAddress> {
  return fc.oneof(
    word.map((value): IPAddress => ({ family: "IPv4", value })),
    fc.tuple(word, word, word, word).map((words): IPAddress => ({ family: "IPv6", words })),
  );
}

const flagsOf = (scheduler: string): readonly string[] =>
  scheduler === "sh" || scheduler === "mh"
    ? [`${scheduler}-fallback`, `${scheduler}-port`]
    : ["flag-1", "flag-2", "flag-3"];

const leftOut = <T extends object>(fields: T): T =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;

const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });

const ipv4Mask = uint32.map((mask) => {
  const ones = mask.toString(2).replaceAll("0", "").length;
  const isPrefix = /^1*0*$/.test(mask.toString(2).padStart(32, "0"));
  return isPrefix ? { maskLength: ones } : { maskLength: ones, mask };
});

function persistence(family: IPAddress["family"]) {
  const mask =
    family === "IPv4"
      ? fc.oneof(
          fc.nat({ max: 32 }).map((maskLength) => ({ maskLength })),
          ipv4Mask,
        )
      : fc.integer({ min: 1, max: 128 }).map((maskLength) => ({ maskLength }));
  return fc.tuple(fc.integer({ min: 1, max: 2678400 }), mask).map(([timeout, own]) => ({ timeout, ...own }));
}

function keys(word: fc.Arbitrary<number>): fc.Arbitrary<VirtualServerKey> {
  const family = fc.constantFrom("IPv4", "IPv6") satisfies fc.Arbitrary<IPAddress["family"]>;
  return fc.oneof(
    fc
      .record({ protocol: fc.constantFrom(6, 17, 132), address: addresses(word), port })
      .map((fields): VirtualServerKey => ({ kind: "address", ...fields })),
    fc
      .record({ family, mark: word.filter((mark) => mark > 0) })
      .map((fields): VirtualServerKey => ({ kind: "fwmark", ...fields })),
  );
}

/** What each text shows of a table. */
export interface Shown {
  readonly tunnels: boolean;
  readonly counts: boolean;
  /**
   * Also addresses and marks further apart than 2^31, and real servers of both families: ipvsadm's order of those depends on
   * the order that the kernel tells them in, so that a text which is read and written may change it.
   */
  readonly wide: boolean;
}

function realServer(of: VirtualServerKey, shown: Shown): fc.Arbitrary<RealServer> {
  const family = of.kind === "address" ? of.address.family : of.family;
  const checksum = fc.constantFrom("none", "full") satisfies fc.Arbitrary<"none" | "full">;
  const tunnel = fc.oneof(
    checksum.map((each) => ({ type: "gre", checksum: each }) as const),
    fc
      .tuple(port, fc.oneof(checksum, fc.constant("remote" as const)))
      .map(([number, each]) => ({ type: "gue", port: number, checksum: each }) as const),
  );
  return fc
    .record({
      address: addresses(shown.wide ? uint32 : uint31).filter((each) => shown.wide || each.family === family),
      port: fc.oneof(port, fc.constant(0)),
      method: fc.constantFrom("masquerade", "route", "tunnel") satisfies fc.Arbitrary<RealServer["method"]>,
      weight: int,
      tunnel: optional(tunnel),
      connections: fc.record({ active: int, inactive: int }),
    })
    .map(({ method: asked, tunnel: wrapped, connections, ...fields }) => {
      const method = fields.address.family === family ? asked : "tunnel";
      const forced = of.kind === "address" && method !== "masquerade" ? { port: of.port } : {};
      return leftOut({
        ...fields,
        ...forced,
        method,
        upper: 0,
        lower: 0,
        tunnel: shown.tunnels && method === "tunnel" ? wrapped : undefined,
        connections: shown.counts ? connections : undefined,
      }) as RealServer;
    });
}

function virtualServer(shown: Shown): fc.Arbitrary<VirtualServer> {
  return fc.tuple(keys(shown.wide ? uint32 : uint31), fc.constantFrom(...schedulers)).chain(([of, scheduler]) =>
    fc
      .record({
        schedulerFlags: fc.subarray([...flagsOf(scheduler)]),
        persistence: optional(persistence(of.kind === "address" ? of.address.family : of.family)),
        persistenceEngine: optional(fc.constant("sip")),
        onePacket: of.kind === "address" && of.protocol !== 17 ? fc.constant(false) : fc.boolean(),
        realServers: fc.uniqueArray(realServer(of, shown), {
          maxLength: 5,
          selector: (real) => formatEnd(real.address, real.port),
        }),
      })
      .map(({ persistenceEngine, ...fields }) => {
        const engine = shown.counts && fields.persistence === undefined ? undefined : persistenceEngine;
        return leftOut({ key: of, scheduler, ...fields, persistenceEngine: engine }) as VirtualServer;
      }),
  );
}

/** Tables in the order in which ipvsadm prints them, with nothing that the text does not show. */
export function tables(shown: Shown): fc.Arbitrary<IPVSTable> {
  return fc
    .uniqueArray(virtualServer(shown), { maxLength: 8, selector: (server) => formatKey(server.key) })
    .map((virtualServers) => ({ virtualServers: printedOrder({ virtualServers }) }));
}

const end = fc.record({ address: addresses(uint32), port: fc.nat({ max: 65535 }) });

/** Connections with different ends. */
export const connections: fc.Arbitrary<readonly IPVSConnection[]> = fc.uniqueArray(
  fc.record({
    protocol: fc.constantFrom(0, 6, 17, 132),
    expires: fc.nat({ max: 4294967279 }),
    state: fc.constantFrom(...connectionStates),
    source: end,
    virtual: end,
    destination: end,
  }),
  {
    maxLength: 8,
    selector: ({ protocol, source, virtual }) =>
      `${protocol} ${formatEnd(source.address, source.port)} ${formatEnd(virtual.address, virtual.port)}`,
  },
);
