import type { Persistence, RealServer, Scheduler, VirtualServer, VirtualServerKey } from "../rules/ipvs/model.ts";
import { familyOfKey, formatClientMask, formatEnd, protocols, schedulerName } from "../rules/ipvs/spelling.ts";

/** `TCP 10.96.0.1:443`, `mark 5 (IPv4)`. */
export function serverTitle(key: VirtualServerKey): string {
  if (key.kind === "fwmark") return `mark ${key.mark} (${key.family})`;
  const name = protocols.find(({ number }) => number === key.protocol)?.name ?? "";
  return `${name} ${formatEnd(key.address, key.port)}`;
}

/** Where each scheduler sends a new connection (ipvs-mode §10). */
const schedulerWords: Readonly<Record<Scheduler, string>> = {
  rr: "to the real servers in turn",
  wrr: "to the real servers in turn, to each as often as its weight says",
  lc: "to the real server with the fewest connections",
  wlc: "to the real server with the fewest connections for its weight",
  sh: "by a hash of the client's address",
  dh: "by a hash of the destination address",
  mh: "by Maglev hashing of the client's address",
  sed: "to the real server with the shortest expected delay: its active connections and one more, for its weight",
  nq: "to a real server without active connections, or as sed does where there is none",
  lblc: "to the real server that had this destination address last, unless it is overloaded",
  lblcr:
    "to one of the real servers that this destination address has, to which others are added when they are overloaded",
  fo: "to the real server with the highest weight",
  ovf: "to the real server with the highest weight that has no more active connections than its weight",
  twos: "to the less loaded of two real servers that are chosen at random",
};

function flagWords(flags: readonly string[]): string {
  const words = flags.map((flag) => {
    if (flag.endsWith("-port")) return ", its port as well";
    if (flag.endsWith("-fallback")) return ", to another one where that takes none";
    return `, with the flag ${flag}`;
  });
  return words.join("");
}

/** Whole hours, minutes or seconds. */
function timeWords(seconds: number): string {
  const [count, unit] =
    seconds % 3600 === 0
      ? [seconds / 3600, "hour"]
      : seconds % 60 === 0
        ? [seconds / 60, "minute"]
        : [seconds, "second"];
  return `${count} ${unit}${count === 1 ? "" : "s"}`;
}

function persistenceWords(persistence: Persistence, key: VirtualServerKey, engine: string | undefined): string {
  const time = timeWords(persistence.timeout);
  const until = `until ${time} after the last new connection`;
  if (engine !== undefined) return `what the engine ${engine} takes for one client stays with its real server ${until}`;
  const mask = formatClientMask(persistence, familyOfKey(key));
  if (mask === undefined) return `a client stays with its real server ${until}`;
  if (persistence.maskLength === 0) return `all clients stay with one real server ${until}`;
  const group = familyOfKey(key) === "IPv4" ? `mask ${mask}` : `prefix length ${mask}`;
  return `the clients of one network (${group}) stay with their real server ${until}`;
}

/** What a virtual server does with new connections, in clauses. */
export function serverWords(server: VirtualServer): readonly string[] {
  const { key, persistence, persistenceEngine, onePacket, schedulerFlags } = server;
  const words: string[] = [];
  if (key.kind === "address" && key.port === 0) words.push("all ports that no other virtual server of the address has");
  const { scheduler } = server;
  const known =
    typeof scheduler === "string"
      ? schedulerWords[scheduler]
      : `as the scheduler ${schedulerName(server)} does, which is not known`;
  words.push(`${onePacket ? "each packet" : "each new connection"} goes ${known}${flagWords(schedulerFlags)}`);
  if (persistence !== undefined) words.push(persistenceWords(persistence, key, persistenceEngine));
  if (server.realServers.length === 0)
    words.push("no real servers: new connections are answered with ICMP port unreachable");
  return words;
}

const methodWords: Readonly<Record<RealServer["method"], string>> = {
  masquerade: "by rewriting the destination",
  route: "unchanged, by its hardware address",
  tunnel: "in a tunnel",
};

/** What goes to a real server, in clauses. */
export function realServerWords({ weight, method, tunnel, upper, lower, connections }: RealServer): string {
  // only a listing has counts, and it does not tell of what kind a tunnel is
  const plain = connections === undefined ? " (IP in IP)" : "";
  const type = tunnel === undefined ? plain : tunnel.type === "gue" ? ` (GUE to port ${tunnel.port})` : " (GRE)";
  return [
    weight === 0 ? "weight 0: no new connections" : `weight ${weight}`,
    method === "tunnel" ? `${methodWords.tunnel}${type}` : methodWords[method],
    ...(upper === 0 ? [] : [`at most ${upper} connections`]),
    ...(lower === 0 ? [] : [`then none until fewer than ${lower}`]),
    ...(connections === undefined
      ? []
      : [`${connections.active} active and ${connections.inactive} inactive connections`]),
  ].join(", ");
}
