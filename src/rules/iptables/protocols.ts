/** Protocol names as iptables-save prints them, from /etc/protocols of Debian 12; other numbers are printed as they are. */
const names = `1:icmp 2:igmp 3:ggp 4:ipencap 5:st 6:tcp 8:egp 9:igp 12:pup 17:udp 20:hmp 22:xns-idp 27:rdp 29:iso-tp4
  33:dccp 36:xtp 37:ddp 38:idpr-cmtp 41:ipv6 43:ipv6-route 44:ipv6-frag 45:idrp 46:rsvp 47:gre 50:esp 51:ah 57:skip
  58:ipv6-icmp 59:ipv6-nonxt 60:ipv6-opts 73:rspf 81:vmtp 88:eigrp 89:ospf 93:ax.25 94:ipip 97:etherip 98:encap 103:pim
  108:ipcomp 112:vrrp 115:l2tp 124:isis 132:sctp 133:fc 135:mobility-header 136:udplite 137:mpls-in-ip 138:manet 139:hip
  140:shim6 141:wesp 142:rohc 143:ethernet`;

const byNumber: ReadonlyMap<number, string> = new Map(
  names.split(/\s+/).map((pair) => {
    const [number, name] = pair.split(":") as [string, string];
    return [Number(number), name];
  }),
);

const byName: ReadonlyMap<string, number> = new Map([
  ...[...byNumber].map(([number, name]) => [name, number] as const),
  ["all", 0],
  ["icmpv6", 58],
  ["mh", 135],
]);

const NUMBER = /^[0-9]{1,3}$/;

/** The number of a protocol by name (any case) or number; 0 is "all". */
export function parseProtocol(text: string): number | undefined {
  if (NUMBER.test(text)) return Number(text) <= 255 ? Number(text) : undefined;
  return byName.get(text.toLowerCase());
}

/** The name that iptables-save prints for a protocol. */
export function formatProtocol(protocol: number): string {
  return byNumber.get(protocol) ?? `${protocol}`;
}
