/** One fault of the emulator, put into its compiled form. */
export interface Mutant {
  readonly name: string;
  /** Below `src/kernel`. */
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly text: string;
  readonly replacement: string;
}

const mutant = (name: string, file: string, text: string, replacement: string): Mutant => ({
  name,
  file,
  text,
  replacement,
});

export const mutants: readonly Mutant[] = [
  // hooks and tables
  mutant("nat before mangle in PREROUTING", "hooks.js", "conntrack, mangle, nat]", "conntrack, nat, mangle]"),
  mutant("raw behind conntrack", "hooks.js", "[defrag, raw, conntrack, mangle,", "[defrag, conntrack, raw, mangle,"),
  mutant(
    "nat before filter in INPUT",
    "hooks.js",
    "[mangle, filter, security, balance, nat,",
    "[mangle, nat, filter, security, balance,",
  ),
  mutant(
    "security before filter in FORWARD",
    "hooks.js",
    "[mangle, filter, security, balanceForwarded]",
    "[mangle, security, filter, balanceForwarded]",
  ),
  mutant(
    "filter before nat in OUTPUT",
    "hooks.js",
    "natOfOwn,\n    balance,\n    filter,",
    "filter,\n    natOfOwn,\n    balance,",
  ),
  mutant("nat before mangle in POSTROUTING", "hooks.js", "[mangle, nat, confirmed]", "[nat, mangle, confirmed]"),
  mutant("confirm skipped in INPUT", "hooks.js", "balance, nat, confirmed]", "balance, nat]"),
  mutant(
    "iptables-nft's security before nat in INPUT",
    "hooks.js",
    "balance, nat, ownSecurity, confirmed]",
    "balance, ownSecurity, nat, confirmed]",
  ),
  mutant("confirm skipped in POSTROUTING", "hooks.js", "[mangle, nat, confirmed]", "[mangle, nat]"),
  mutant("fragments are not collected", "hooks.js", "return collect(walk, skb) ?", "return true ?"),
  mutant(
    "conntrack where no rule needs it",
    "hooks.js",
    "return missedConntrack(walk, skb);\n    track(walk, skb);",
    "track(walk, skb);\n    track(walk, skb);",
  ),
  mutant("a mark in mangle OUTPUT does not route", "hooks.js", "skb.mark !== mark || ", ""),
  mutant("nat OUTPUT routes again always", "reroute.js", "!destinationMoved(skb.entry, skb.direction)", "false"),
  mutant("nat OUTPUT never routes again", "reroute.js", 'if (after === "nat" && (', 'if (after === "nat" || ('),
  // the walk through chains
  mutant(
    "return from the wrong chain",
    "iptables/walk-table.js",
    `{ kind: "returned" });
            const back = leave(walk, frame);`,
    `{ kind: "returned" });
            const back = leave(walk, frame.back ?? frame);`,
  ),
  mutant(
    "the end of a chain leads past the one that jumped",
    "iptables/walk-table.js",
    `}
            const back = leave(walk, frame);`,
    `}
            const back = leave(walk, frame.back ?? frame);`,
  ),
  mutant("goto comes back", "iptables/walk-table.js", 'isJump = target.kind === "jump"', "isJump = true"),
  mutant("jump does not come back", "iptables/walk-table.js", 'isJump = target.kind === "jump"', "isJump = false"),
  mutant("policy ignored", "iptables/walk-table.js", 'policy === "DROP"', "false"),
  mutant("ACCEPT is the policy", "iptables/walk-table.js", 'return "accept";', 'return "policy";'),
  mutant(
    "only the first match of a rule counts",
    "iptables/walk-table.js",
    "i < matches.length",
    "i < Math.min(1, matches.length)",
  ),
  mutant("the index passes over a rule", "iptables/chain-index.js", "list[at] < from", "list[at] <= from"),
  // matches
  mutant("nth off by one", "matches/statistic.js", "last - match.packet", "last - match.packet - 1"),
  mutant("nth hits at the end of its round", "matches/statistic.js", "(count === 0)", "(count === last)"),
  mutant("random inverted", "matches/statistic.js", "below !== match.negated", "below === match.negated"),
  mutant("recent --update does not refresh", "matches/recent.js", '(operation === "update" && result)', "false"),
  mutant("recent --rcheck refreshes", "matches/recent.js", '(operation === "update" && result)', "result"),
  mutant(
    "recent --remove does not remove",
    "matches/recent.js",
    "setRecentTable(state, name, removeRecent(table, entry));",
    "",
  ),
  mutant("recent forgets the seconds", "matches/recent.js", "seconds > 0 && oldest > stamp", "false"),
  mutant("recent by destination", "matches/recent.js", 'match.side === "source"', "false"),
  mutant("SNAT state never shows", "matches/conntrack.js", "entry.sourceChanged ? conntrackStates.SNAT : 0", "0"),
  mutant(
    "DNAT state shows always",
    "matches/conntrack.js",
    "entry.destinationChanged ? conntrackStates.DNAT : 0",
    "conntrackStates.DNAT",
  ),
  mutant(
    "INVALID shown as NEW",
    "matches/conntrack.js",
    "conntrackStates.UNTRACKED : conntrackStates.INVALID",
    "conntrackStates.UNTRACKED : conntrackStates.NEW",
  ),
  mutant(
    "--ctdir inverted",
    "matches/conntrack.js",
    "(skb.direction === 0) !== (match.direction",
    "(skb.direction === 1) !== (match.direction",
  ),
  mutant("addrtype --limit-iface-in ignored", "matches/addrtype.js", '"in" ? skb.inInterface', '"in" ? undefined'),
  mutant(
    "addrtype of the other side",
    "matches/addrtype.js",
    "test(skb.src, match.source)",
    "test(skb.dst, match.source)",
  ),
  mutant(
    "interface prefixes are names",
    "matches/basic.js",
    "name.startsWith(pattern.slice(0, -1))",
    "name === pattern",
  ),
  // targets
  mutant("MARK without its mask", "targets/mark.js", "(before & ~set.mask) ^ set.value", "before ^ set.value"),
  mutant(
    "CONNMARK restore with the masks exchanged",
    "targets/mark.js",
    "(before & ~target.packetMask) ^ (entry.mark & target.connectionMask)",
    "(before & ~target.connectionMask) ^ (entry.mark & target.packetMask)",
  ),
  mutant(
    "CONNMARK save with one mask",
    "targets/mark.js",
    "(skb.mark & target.packetMask)",
    "(skb.mark & target.connectionMask)",
  ),
  mutant(
    "CONNMARK set without its mask",
    "targets/mark.js",
    "(before & ~target.set.mask) ^ target.set.value",
    "(before | target.set.mask) ^ target.set.value",
  ),
  // conntrack
  mutant(
    "INVALID packets are translated",
    "conntrack/track.js",
    'verdict.kind === "invalid"',
    'verdict.kind === "invalid" && found === undefined',
  ),
  mutant(
    "the originator stays NEW behind the reply",
    "conntrack/track.js",
    "direction === 1 || entry.seenReply",
    "direction === 1",
  ),
  mutant(
    "RELATED in the direction of the quoted packet",
    "conntrack/track.js",
    "skb.direction = check.found.direction",
    "skb.direction = 1 - check.found.direction",
  ),
  mutant("an error is RELATED whoever gets it", "conntrack/icmp.js", "!sameAddress(expected, skb.dst)", "false"),
  mutant(
    "an error belongs to its sender",
    "conntrack/icmp.js",
    "entry.original : entry.reply).dst",
    "entry.original : entry.reply).src",
  ),
  mutant(
    "an echo reply starts a connection",
    "conntrack/icmp.js",
    "!(v6 ? QUERIES_V6 : QUERIES).has(started)",
    "false",
  ),
  mutant(
    "unanswered UDP lives as a stream",
    "conntrack/udp.js",
    'refresh(walk, entry, "udp_timeout");',
    'refresh(walk, entry, "udp_timeout_stream");',
  ),
  mutant(
    "a closed connection is always reopened",
    "conntrack/tcp-rules.js",
    "if (!closed && !(last.direction === direction",
    "if (false && !(last.direction === direction",
  ),
  mutant("wrong checksums are not seen", "conntrack/verdict.js", "packet.badChecksum && ", "false && "),
  mutant("SCTP tags are not checked", "conntrack/sctp.js", "known === tag || known === -1", "true"),
  mutant(
    "a second flow takes the first one's tuple",
    "conntrack/track.js",
    "return adoptWinner(walk, skb, entry);",
    "return true;",
  ),
  // NAT
  mutant("null binding left out", "nat/hook.js", "nullBinding(walk, entry, manip);", ";"),
  mutant(
    "a masqueraded connection may change its interface",
    "nat/hook.js",
    "index !== 0 && walk.hook",
    "false && walk.hook",
  ),
  mutant("reply not translated", "nat/rewrite.js", '(manip === "source") === (direction === 0)', 'manip === "source"'),
  mutant("ports are not translated", "nat/rewrite.js", "packet.dport = target.dport;", ";"),
  mutant("the quoted packet is not translated", "nat/rewrite.js", "skb.inner = inner;", ""),
  mutant(
    "errors keep the router's address",
    "nat/rewrite.js",
    `skb.src = target.src;
    else
        skb.dst`,
    `;
    else
        skb.dst`,
  ),
  mutant("redirects of translated connections pass", "nat/rewrite.js", "skb.icmpType === 5", "false"),
  mutant("moved ports below 512 in the wrong class", "nat/choice.js", "port < 512", "port < 513"),
  mutant("moved ports below 1024 from 512 on", "nat/choice.js", "from: 600", "from: 512"),
  mutant("a moved port does not stick", "nat/choice.js", "mapped !== undefined && ", "false && "),
  mutant(
    "--random keeps a free port",
    "nat/choice.js",
    `    if (!range.random) {
        const { ports }`,
    `    {
        const { ports }`,
  ),
  mutant(
    "DNAT to a range does not take the lowest port",
    "nat/choice.js",
    "range.base === undefined ? 0 :",
    "range.base === undefined ? 1 :",
  ),
  mutant("DNAT forgets the base port", "nat/choice.js", "(tuple[key] - range.base)", "tuple[key]"),
  mutant("REDIRECT of own packets to the interface", "nat/targets.js", 'if (walk.hook === "OUTPUT")', "if (false)"),
  mutant("NETMAP with the mask inverted", "nat/targets.js", "(bits & ~m) | (net & m)", "(bits & m) | (net & ~m)"),
  mutant(
    "MASQUERADE by the destination, not the gateway",
    "routing/masquerade.js",
    "? skb.route.nextHop.address",
    "? skb.dst",
  ),
  mutant(
    "MASQUERADE takes the first address, whatever the gateway",
    "routing/source.js",
    "near === 0 || inPrefixOf(own, near)",
    "near === 0",
  ),
  mutant(
    "IPv6 MASQUERADE without looking at the interface",
    "routing/source.js",
    "wanted.device === undefined || wanted.device === device",
    "true",
  ),
  // routing
  mutant(
    "a hairpin is not forwarded",
    "receive.js",
    'if (decision.cast !== "unicast")',
    'if (decision.cast !== "unicast" || decision.device === skb.inInterface)',
  ),
  mutant(
    "FORWARD sees the TTL before",
    "receive.js",
    "const stop = forward(walk, skb);",
    "skb.ttl++; const stop = forward(walk, skb); skb.ttl--;",
  ),
  mutant("the TTL stays", "receive.js", "skb.ttl--;", ""),
  mutant("a TTL of 1 is forwarded", "receive.js", "skb.ttl <= 1", "skb.ttl < 1"),
  mutant("MTU off by one", "receive.js", "packetLength(skb) > mtu && (!v4", "packetLength(skb) >= mtu && (!v4"),
  mutant("IPv6 is cut", "receive.js", "(!v4 || skb.df)", "skb.df"),
  mutant(
    "prohibit is told as unreachable",
    "receive.js",
    "unreachable: 1, prohibit: 13",
    "unreachable: 1, prohibit: 1",
  ),
  mutant(
    "mark lost on loopback",
    "send.js",
    "skb.inInterface = walk.host.loopback;",
    "skb.inInterface = walk.host.loopback; skb.mark = 0;",
  ),
  mutant(
    "entry lost on loopback",
    "send.js",
    "skb.inInterface = walk.host.loopback;",
    "skb.inInterface = walk.host.loopback; skb.entry = undefined;",
  ),
  mutant("an own broadcast is not heard", "send.js", 'cast === "broadcast" ||', ""),
  mutant("rp_filter off", "routing/reverse-path.js", 'filter === 1 ? "reverse-path" : undefined', "undefined"),
  mutant(
    "rp_filter 2 as 1",
    "routing/reverse-path.js",
    'filter === 1 ? "reverse-path" : undefined',
    'filter >= 1 ? "reverse-path" : undefined',
  ),
  mutant(
    "own sources from outside",
    "routing/reverse-path.js",
    `if (!acceptLocal(host, device.name))
            return "source-is-own";`,
    "",
  ),
  mutant(
    "route_localnet ignored",
    "routing/input.js",
    'routeLocalnet(host, device.name) ? undefined : "destination-loopback"',
    "undefined",
  ),
  mutant("fwmark rules compare all bits", "routing/policy-rule.js", "& rule.mark.mask) !== 0", ") !== 0"),
  // answers
  mutant(
    "REJECT in INPUT from the interface's address",
    "routing/masquerade.js",
    'skb.route?.kind === "local" ? dst : undefined',
    "undefined",
  ),
  mutant(
    "REJECT in FORWARD from the called address",
    "routing/masquerade.js",
    'skb.route?.kind === "local" ? dst : undefined',
    "dst",
  ),
  mutant(
    "REJECT with another code",
    "reject.js",
    '"icmp-admin-prohibited": [3, 13]',
    '"icmp-admin-prohibited": [3, 10]',
  ),
  mutant("a RST is answered with a RST", "answer.js", "|| (skb.flags & tcpFlag.RST) !== 0", ""),
  mutant("a RST does not acknowledge the payload", "answer.js", "(skb.seq + length)", "(skb.seq + 1)"),
  mutant("answers are ESTABLISHED", "answer.js", 'answer.state = "related";', 'answer.state = "established";'),
  mutant("answers belong to no connection", "answer.js", "if (to.entry === undefined)", "if (true)"),
  mutant("ICMP errors are answered", "answer.js", "if (isICMPError(skb))", "if (false)"),
];
