import type { Mutant } from "./mutants.ts";

const mutant = (name: string, file: string, text: string, replacement: string): Mutant => ({
  name,
  file,
  text,
  replacement,
});

/** Faults of ip_vs, which the recordings of a real one must find. */
export const ipvsMutants: readonly Mutant[] = [
  mutant(
    "requests before filter in INPUT",
    "hooks.js",
    "[mangle, filter, security, balance,",
    "[mangle, balance, filter, security,",
  ),
  mutant(
    "replies before filter in FORWARD",
    "hooks.js",
    "filter, security, balanceForwarded]",
    "balanceForwarded, filter, security]",
  ),
  mutant("requests behind filter in OUTPUT", "hooks.js", "balance,\n    filter,", "filter,\n    balance,"),
  mutant("a packet is dealt with twice", "ipvs/transmit.js", "skb.isIPVS = true;", ""),
  mutant("round robin stays where it is", "ipvs/schedulers/rr.js", "remember({ last: destination });", ""),
  mutant("round robin passes one over", "ipvs/schedulers/rr.js", "(from + i) % size", "(from + 1 + i) % size"),
  mutant(
    "a deleted one takes the pointer with it",
    "ipvs/schedulers/rr.js",
    "{ last: change.before }",
    "{ last: undefined }",
  ),
  mutant(
    "weighted round robin forgets its weight when it changes",
    "ipvs/schedulers/wrr.js",
    "weight > maximum || weight === 0 ? maximum : kept",
    "maximum",
  ),
  mutant(
    "wlc takes the last of equals",
    "ipvs/schedulers/load.js",
    "compare(rule, least, each) > 0",
    "compare(rule, least, each) >= 0",
  ),
  mutant(
    "inactive connections weigh as much",
    "ipvs/schedulers/load.js",
    "active * 256 + inactive",
    "active + inactive",
  ),
  mutant("sed without the one to come", "ipvs/schedulers/load.js", "return active + 1;", "return active;"),
  mutant("nq does not care for the idle", "ipvs/schedulers/nq.js", "each.active === 0", "false"),
  mutant(
    "source hashing of the port",
    "ipvs/schedulers/sh.js",
    'includes("sh-port") ? packet',
    'includes("sh-port") || true ? packet',
  ),
  mutant(
    "destination hashing of the source",
    "ipvs/schedulers/dh.js",
    "foldAddress(packet.dst)",
    "foldAddress(packet.src)",
  ),
  mutant(
    "Maglev without weights",
    "ipvs/schedulers/mh.js",
    "Math.max(1, Math.floor(lastWeight / divisor / 2 ** shift))",
    "1",
  ),
  mutant("lblc forgets", "ipvs/schedulers/lblc.js", 'return { destination, reason: { kind: "cached" } };', ""),
  mutant(
    "a new real server goes to the end",
    "ipvs/destinations.js",
    "[destination, ...service.destinations]",
    "[...service.destinations, destination]",
  ),
  mutant(
    "a SYN is scheduled only without ACK",
    "ipvs/schedule.js",
    "(flags & tcpFlag.SYN) !== 0",
    "flags === tcpFlag.SYN",
  ),
  mutant("any packet starts a connection", "ipvs/schedule.js", "sloppyTCP ||", "true ||"),
  mutant(
    "nobody is told that there is no real server",
    "ipvs/hooks.js",
    "answerError(walk, skb, v4 ? 3 : 1, v4 ? 3 : 4);\n            const",
    "const",
  ),
  mutant("the TTL stays", "ipvs/transmit.js", "skb.ttl--;", ""),
  mutant("templates do not last", "ipvs/schedule.js", "restart(state, template);", ""),
  mutant(
    "templates of real servers without weight stay valid",
    "ipvs/connections.js",
    "destination.weight === 0 && expireQuiescentTemplate",
    "false",
  ),
  mutant(
    "closed connections are kept",
    "ipvs/known-connection.js",
    'state === "TIME_WAIT" || state === "CLOSE"',
    "false",
  ),
  mutant("a closing connection counts as active", "ipvs/states.js", '"SYN_RECV", "SYNACK"', '"SYN_RECV", "CLOSE"'),
  mutant(
    "conntrack's entry outlives the connection",
    "ipvs/connections.js",
    "if (connection.keepsConntrack)",
    "if (false)",
  ),
  mutant(
    "conntrack's entry dies at once with the flow that is over",
    "ipvs/conntrack.js",
    "skb.entry?.confirmed === true",
    "true",
  ),
  mutant(
    "a deleted real server keeps its connections",
    "ipvs/timers.js",
    "connection.destination.available ||",
    "true ||",
  ),
  mutant(
    "the quoted packet stays as it was",
    "ipvs/transmit.js",
    "skb.inner = { ...inner, dst: connection.virtual,",
    "skb.inner = { ...inner, dst: inner.dst,",
  ),
  mutant("errors come from whom they came from", "ipvs/transmit.js", "skb.src = connection.virtual;", ""),
  mutant(
    "-m ipvs compares the real server's port",
    "matches/ipvs.js",
    "connection.virtualPort === port.value",
    "connection.realPort === port.value",
  ),
  mutant(
    "conntrack does not learn of the real server",
    "ipvs/conntrack.js",
    'walk.state.set(entry, "reply", changed);',
    "",
  ),
];
