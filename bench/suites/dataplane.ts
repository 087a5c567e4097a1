import { seededChooser } from "../../src/kernel/chooser/seeded.ts";
import { confirm, track } from "../../src/kernel/conntrack/track.ts";
import { walkTable } from "../../src/kernel/iptables/walk-table.ts";
import { nullBinding } from "../../src/kernel/nat/setup.ts";
import { makeSkb } from "../../src/kernel/skb.ts";
import { HostState } from "../../src/kernel/state.ts";
import type { Walk } from "../../src/kernel/walk.ts";
import type { Case, Suite } from "../measure.ts";
import { flowPacket, loadNode, Tracer } from "../node.ts";
import { saveText } from "../subject.ts";

const SERVICES = 300;
const FLOWS = 200;

function cases(): readonly Case[] {
  const host = loadNode({ rules: saveText(SERVICES, 5) });
  const nat = host.rules.IPv4.tables.get("nat");
  if (nat === undefined) throw new Error("no table nat");
  const packets = Array.from({ length: FLOWS }, (_, i) => flowPacket(i, SERVICES));
  const work = { count: FLOWS, of: "packet" };
  const chooser = seededChooser(1);
  const place = { hook: "PREROUTING", table: "nat", chain: "", ruleNumber: 0, depth: 0, hotdrop: false } as const;
  const walkOf = (state: HostState): Walk => {
    return { host, state, chooser, record: undefined, indexed: true, answers: [], ...place };
  };
  /** New flows through conntrack with both NAT decisions made, without a rule. */
  const insert = (state: HostState): number => {
    const walk = walkOf(state);
    for (const packet of packets) {
      const skb = makeSkb(packet, 0);
      track(walk, skb);
      if (skb.entry === undefined) throw new Error("not tracked");
      nullBinding(walk, skb.entry, "destination");
      nullBinding(walk, skb.entry, "source");
      if (!confirm(walk, skb)) throw new Error("not confirmed");
    }
    return state.entries.size;
  };
  const known = new HostState();
  insert(known);
  const tuples = known.entries.list().map(({ reply }) => reply);
  const warm = new Tracer(host, true);
  warm.trace(packets);
  return [
    {
      name: "nat chains, without a connection",
      work,
      run: () => {
        const walk = walkOf(new HostState());
        return packets.filter((packet) => walkTable(walk, makeSkb(packet, 0), nat, "PREROUTING") === undefined).length;
      },
    },
    { name: "conntrack: new flow, NAT decided, confirmed", work, run: () => insert(new HostState()) },
    {
      name: "conntrack: new flow, taken back",
      work,
      run: () => {
        const mark = known.mark();
        for (const packet of packets) {
          const skb = makeSkb({ ...packet, sport: packet.sport + 1 }, 0);
          track(walkOf(known), skb);
          confirm(walkOf(known), skb);
        }
        const found = known.entries.size;
        known.rollback(mark);
        return found;
      },
    },
    {
      name: "conntrack: look-up",
      work: { count: FLOWS * 20, of: "look-up" },
      run: () => {
        let found = 0;
        for (let i = 0; i < 20; i++)
          for (const tuple of tuples) if (known.entries.find(tuple, 0) !== undefined) found++;
        return found;
      },
    },
    { name: "trace: first packet of a flow", work, run: () => new Tracer(host, true).trace(packets) },
    { name: "trace: second packet of a flow", work, run: () => warm.trace(packets) },
  ];
}

/** Packets through the emulated kernel. */
export const dataplane: Suite = { title: "The emulated kernel", cases };
