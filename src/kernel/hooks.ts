import { confirm, track } from "./conntrack/track.ts";
import { collect, isWhole } from "./defrag.ts";
import type { Builtin, Hook } from "./event.ts";
import { type TablePair, walkOne, walkTables } from "./iptables/tables.ts";
import { forwardErrorHook, replyHook, requestHook } from "./ipvs/hooks.ts";
import type { Stolen } from "./ipvs/transmit.ts";
import { natHook } from "./nat/hook.ts";
import { view } from "./nat/rewrite.ts";
import type { Stop } from "./outcome.ts";
import { routeAgain } from "./reroute.ts";
import type { Skb } from "./skb.ts";
import type { Walk } from "./walk.ts";

/** One thing that runs at a hook; a stop ends the packet's way. */
type Step = (walk: Walk, skb: Skb) => Stop | undefined;
/** Where ip_vs is: it may take the packet out of the hook, to be sent on from here. */
type Balancing = (walk: Walk, skb: Skb) => Stop | Stolen | undefined;

function table(name: Builtin): Step {
  return (walk, skb) => walkTables(walk, skb, walk.host.tables[skb.family][name]);
}

const raw = table("raw");
const mangle = table("mangle");
const filter = table("filter");
const ownSecurity: Step = (walk, skb) => walkOne(walk, skb, walk.host.tables[skb.family].security.own);
/** iptables-nft makes security's chains with priority 150, the legacy back end with 50: where both are, its come first. */
const legacySecurity: Step = (walk, skb) => walkOne(walk, skb, walk.host.tables[skb.family].security.legacy);
const security: Step = (walk, skb) => legacySecurity(walk, skb) ?? ownSecurity(walk, skb);

/** Conntrack needs whole packets: fragments wait until all of theirs are there (kernel-semantics §5.3). */
const defrag: Step = (walk, skb) => {
  if (isWhole(skb)) return undefined;
  if (!walk.host.tracks[skb.family]) return missedConntrack(walk, skb);
  return collect(walk, skb) ? undefined : { kind: "dropped", cause: { kind: "fragment-waits" } };
};

/** Conntrack looks at packets only while some rule of the family needs it (kernel-semantics §1.4). */
const conntrack: Step = (walk, skb) => {
  if (!walk.host.tracks[skb.family]) return missedConntrack(walk, skb);
  track(walk, skb);
  return undefined;
};

const natTables = (walk: Walk, skb: Skb): TablePair | undefined => {
  const pair = walk.host.tables[skb.family].nat;
  return pair.own === undefined && pair.legacy === undefined ? undefined : pair;
};

/** Among the rules that an extract does not show may be one that needs conntrack. */
function missedConntrack(walk: Walk, skb: Skb): Stop | undefined {
  if (walk.host.rules[skb.family].isExtract !== true) return undefined;
  const what = { what: "no rule that the text does not show makes the kernel track connections" };
  return walk.chooser.unknown(what) ? undefined : { kind: "unknown", what };
}

const nat: Step = (walk, skb) => {
  const found = natTables(walk, skb);
  return found === undefined ? undefined : natHook(walk, skb, found);
};

/** NAT of packets that this host sends: a moved destination is routed again (`nf_nat_ipv4_local_fn`). */
const natOfOwn: Step = (walk, skb) => {
  if (natTables(walk, skb) === undefined) return undefined;
  return nat(walk, skb) ?? routeAgain(walk, skb, "nat");
};

/** mangle of packets that this host sends: a changed mark, address or TOS is routed again (`ipt_mangle_out`). */
const mangleOfOwn: Step = (walk, skb) => {
  const { mark, src, dst, tos } = skb;
  const stop = mangle(walk, skb);
  if (stop !== undefined) return stop;
  const changed = skb.mark !== mark || skb.src !== src || skb.dst !== dst || skb.tos !== tos;
  return changed ? routeAgain(walk, skb, "mangle") : undefined;
};

const confirmed: Step = (walk, skb) => (confirm(walk, skb) ? undefined : { kind: "dropped", cause: { kind: "clash" } });

function at(hook: Hook, steps: readonly Step[]): Step;
function at(hook: Hook, steps: readonly Balancing[]): Balancing;
function at(hook: Hook, steps: readonly Balancing[]): Balancing {
  return (walk, skb) => {
    walk.hook = hook;
    walk.record?.({
      kind: "hook",
      hook,
      inInterface: skb.inInterface?.name ?? "",
      outInterface: skb.outInterface?.name ?? "",
      view: view(skb),
    });
    for (const step of steps) {
      const stop = step(walk, skb);
      if (stop !== undefined) return stop;
    }
    return undefined;
  };
}

// The hooks, each with what runs there in order of priority (kernel-semantics §1.1).

/** defrag -400, raw -300, conntrack -200, mangle -150, nat -100. */
export const prerouting: Step = at("PREROUTING", [defrag, raw, conntrack, mangle, nat]);

/** Both of ip_vs, the reply's first (ipvs-mode §8.1). */
const balance: Balancing = (walk, skb) => replyHook(walk, skb) ?? requestHook(walk, skb);
const balanceForwarded: Balancing = (walk, skb) => forwardErrorHook(walk, skb) ?? replyHook(walk, skb);

const inputOfLegacy: Balancing = at("INPUT", [mangle, filter, security, balance, nat, confirmed]);
const inputOfNft: Balancing = at("INPUT", [mangle, filter, legacySecurity, balance, nat, ownSecurity, confirmed]);

/**
 * mangle -150, filter 0, security 50, ip_vs 98 and 99, nat 100, confirm last; iptables-nft makes security's chains with priority
 * 150.
 */
export const input: Balancing = (walk, skb) => (walk.host.backend === "nft" ? inputOfNft : inputOfLegacy)(walk, skb);

/** mangle -150, filter 0, security 50, ip_vs 99 and 100. */
export const forward: Balancing = at("FORWARD", [mangle, filter, security, balanceForwarded]);

/** defrag -400, raw -300, conntrack -200, mangle -150, nat -100, ip_vs -99 and -98, filter 0, security 50. */
export const output: Balancing = at("OUTPUT", [
  defrag,
  raw,
  conntrack,
  mangleOfOwn,
  natOfOwn,
  balance,
  filter,
  security,
]);

/** mangle -150, nat 100, confirm last. */
export const postrouting: Step = at("POSTROUTING", [mangle, nat, confirmed]);
