import { isDeepStrictEqual } from "node:util";
import test from "ava";
import { explore } from "../../src/kernel/chooser/explore.ts";
import { scriptedChooser } from "../../src/kernel/chooser/scripted.ts";
import { seededChooser } from "../../src/kernel/chooser/seeded.ts";
import type { Host } from "../../src/kernel/host.ts";
import { makePacket, protocols } from "../../src/kernel/packet.ts";
import { packetText } from "../../src/kernel/packet-text.ts";
import { HostState } from "../../src/kernel/state.ts";
import { looseRuleset } from "../arbitrary/loose-ruleset.ts";
import { hostWith, type Move } from "../arbitrary/scene.ts";
import { makeStep } from "../kernel/step.ts";
import { counterexample } from "./holds.ts";
import { recordStep } from "./play.ts";
import { ruleSetScenes } from "./rule-set-scenes.ts";
import { snapshot } from "./snapshot.ts";

const MAX_WAYS = 12;

/** Both walkers over the same packets, all ways of each; what differs first, or `undefined`. */
function difference(host: Host, moves: readonly Move[]): string | undefined {
  const states = { linear: new HostState(), indexed: new HostState() };
  for (const [i, { wait, step }] of moves.entries()) {
    const walk = (kind: keyof typeof states) => {
      const state = states[kind];
      state.advance(wait);
      const indexed = kind === "indexed";
      const { branches } = explore(state, (chooser) => recordStep(host, state, chooser, step, { indexed }), {
        branches: MAX_WAYS,
      });
      const taken = branches[i % branches.length];
      recordStep(host, state, scriptedChooser(taken?.script ?? []), step, { indexed });
      return branches;
    };
    const [linear, indexed] = [walk("linear"), walk("indexed")];
    const where = `packet ${i + 1}, ${packetText(step.packet)}`;
    for (const [n, branch] of linear.entries()) {
      const other = indexed[n];
      if (!isDeepStrictEqual(branch.script, other?.script)) return `${where}: other questions`;
      if (!isDeepStrictEqual(branch.value.result, other?.value.result)) return `${where}: another result`;
      if (!isDeepStrictEqual(branch.value.events, other?.value.events)) return `${where}: other events`;
    }
    if (linear.length !== indexed.length) return `${where}: more ways`;
    if (!isDeepStrictEqual(snapshot(states.linear), snapshot(states.indexed))) return `${where}: another state`;
  }
  return undefined;
}

test("slow: the indexed walk has the linear one's events, results and state: any rules", (t) => {
  const options = { circles: false, uncertain: 1, moves: 25, odd: 0.3, damaged: 0.1 };
  t.is(counterexample(difference, options, 120), undefined);
});

test("slow: the indexed walk has the linear one's events, results and state: compiled and foreign rules", (t) => {
  for (const { name, host, moves } of ruleSetScenes("1", 120)) t.is(difference(host, moves), undefined, name);
});

const DRAWN_PORTS = `*mangle
${Array.from({ length: 14 }, (_, i) => `-A PREROUTING -p udp -m conntrack --ctrepldstport 1025:2000 -m udp --dport ${50 + i} -j MARK --set-mark ${i}\n`).join("")}COMMIT
*nat
-A PREROUTING -d 10.96.0.1 -p udp -j DNAT --to-destination 203.0.113.77:100-102 --random
-A POSTROUTING -o eth0 -j MASQUERADE --random
COMMIT
*filter
${Array.from({ length: 14 }, (_, i) => `-A FORWARD -p udp -m udp --dport ${95 + i} -j MARK --set-mark ${i}\n`).join("")}COMMIT
`;

test("both walkers ask the same about ports that the kernel drew", (t) => {
  const host = hostWith("IPv4", looseRuleset(DRAWN_PORTS, "IPv4"), "");
  const packet = (dst: number, sport: number, dport: number): Move => {
    const fields = { family: "IPv4", src: 0x0af40105, dst, protocol: protocols.udp, sport, dport } as const;
    return { wait: 0, step: makeStep(makePacket(fields), "cni0") };
  };
  // 10.96.0.1 is translated to a drawn port; 203.0.113.77 is called by its own
  const first = [packet(0x0a600001, 40000, 80), packet(0xcb00714d, 40001, 53)];
  t.is(difference(host, [...first, ...first]), undefined);
});

/** Rules all of whose conditions held, as an observer is told; `undefined` where its account has a gap. */
function observedMatches(host: Host, state: HostState, { step }: Move): readonly string[] | undefined {
  const [found, expected]: [string[], string[]] = [[], []];
  let next = -1;
  let gap = false;
  const { events } = recordStep(host, state, seededChooser(1), step, {
    observe: (walk, _skb, rule, part, holds) => {
      gap ||= part !== next;
      const last = part === rule.matches.length - 1;
      if (holds && last) found.push(`${walk.table} ${walk.chain} ${walk.ruleNumber}`);
      next = holds && !last ? part + 1 : -1;
    },
  });
  for (const event of events)
    if (event.kind === "matched") expected.push(`${event.rule.table} ${event.rule.chain} ${event.rule.number}`);
  return gap || !isDeepStrictEqual(found, expected) ? undefined : found;
}

test("an observer is told of every condition, and the walk stays what it is", (t) => {
  let matched = 0;
  for (const { name, host, moves } of ruleSetScenes("observed", 12)) {
    const [observed, plain] = [new HostState(), new HostState()];
    for (const move of moves) {
      for (const state of [observed, plain]) state.advance(move.wait);
      const found = observedMatches(host, observed, move);
      recordStep(host, plain, seededChooser(1), move.step);
      t.not(found, undefined, `${name}: ${packetText(move.step.packet)}`);
      matched += found?.length ?? 0;
    }
    t.deepEqual(snapshot(observed), snapshot(plain), name);
  }
  t.true(matched > 1200, `${matched}`);
});
