import type { InterfaceSwitches, Sysctls } from "../kernel/host.ts";
import type { IPVSSwitches } from "../kernel/ipvs/switches.ts";
import type { Report, Source } from "../text/diagnostic.ts";
import { quoted } from "./fields.ts";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** What sysctls say; what no line names is absent. */
export interface ReadSysctls {
  readonly switches: Partial<Omit<Sysctls, "conntrackTimeouts" | "ipv4" | "ipvs" | "notModelled">>;
  readonly conntrackTimeouts: ReadonlyMap<string, number>;
  readonly ipv4: ReadonlyMap<string, InterfaceSwitches>;
  /** `net.ipv4.vs.*` */
  readonly ipvs: Partial<IPVSSwitches>;
  readonly notModelled: readonly string[];
  /** How many keys were passed over because nothing here depends on them. */
  readonly others: number;
}

interface Reading {
  readonly switches: Mutable<ReadSysctls["switches"]>;
  readonly timeouts: Map<string, number>;
  readonly ipv4: Map<string, Mutable<InterfaceSwitches>>;
  readonly ipvs: Mutable<Partial<IPVSSwitches>>;
  readonly notModelled: string[];
}

type Switch = keyof ReadSysctls["switches"];

const SWITCHES: Readonly<Record<string, Switch>> = {
  "net.ipv4.ip_forward": "ipForward",
  "net.ipv6.conf.all.forwarding": "ipv6Forwarding",
  "net.netfilter.nf_conntrack_tcp_be_liberal": "tcpBeLiberal",
  "net.netfilter.nf_conntrack_tcp_loose": "tcpLoose",
  "net.netfilter.nf_conntrack_checksum": "conntrackChecksum",
};

/** Switches of ip_vs, all but one of them on or off. */
const OF_IPVS: Readonly<Record<string, Exclude<keyof IPVSSwitches, "connReuseMode">>> = {
  conntrack: "conntrack",
  expire_nodest_conn: "expireNodestConn",
  expire_quiescent_template: "expireQuiescentTemplate",
  snat_reroute: "snatReroute",
  nat_icmp_send: "natICMPSend",
  sloppy_tcp: "sloppyTCP",
  sloppy_sctp: "sloppySCTP",
  schedule_icmp: "scheduleICMP",
};

const OF_INTERFACE: Readonly<Record<string, Exclude<keyof InterfaceSwitches, "rpFilter">>> = {
  route_localnet: "routeLocalnet",
  accept_local: "acceptLocal",
  forwarding: "forwarding",
  src_valid_mark: "srcValidMark",
  send_redirects: "sendRedirects",
};

/** Switches that change a packet's way and are not modelled, with the values that say no more than the kernel's default. */
const NOT_MODELLED: readonly (readonly [key: RegExp, harmless: RegExp])[] = [
  [
    /^net\.ipv4\.conf\.[^.]+\.(?:bc_forwarding|mc_forwarding|ignore_routes_with_linkdown|drop_unicast_in_l2_multicast)$/,
    /^0$/,
  ],
  [/^net\.ipv6\.conf\.[^.]+\.(?:ignore_routes_with_linkdown|use_oif_addrs_only|force_forwarding|proxy_ndp)$/, /^0$/],
  [/^net\.ipv6\.conf\.[^.]+\.(?:use_tempaddr)$/, /^(?:-1|0|1)$/],
  [/^net\.ipv4\.(?:icmp_errors_use_inbound_ifaddr|fwmark_reflect|fib_multipath_use_neigh|tcp_fwmark_accept)$/, /^0$/],
  [/^net\.ipv6\.fwmark_reflect$/, /^0$/],
  [/^net\.ipv4\.ip_forward_use_pmtu$/, /^0$/],
  [/^net\.ipv4\.vs\.(?:drop_entry|drop_packet|secure_tcp|cache_bypass|ignore_tunneled)$/, /^0$/],
  [/^net\.bridge\.bridge-nf-call-(?:iptables|ip6tables)$/, /^0$/],
];

const IPVS_KEY = /^net\.ipv4\.vs\.([a-z_]+)$/;
const DEVICE_KEY = /^net\.ipv4\.conf\.([^.]+)\.([a-z_]+)$/;
const TIMEOUT_KEY = /^net\.netfilter\.nf_conntrack_(.*timeout.*)$/;

/** `key = value`; also `net/ipv4/...` spellings, in which a dot belongs to the name. */
const LINE = /^-?\s*([A-Za-z0-9_.:/@+-]+)\s*=\s*(.*?)\s*$/;

/** A key with dots between its parts and a device's own dots as slashes, which is how `sysctl -a` prints them. */
function dotted(key: string): string {
  const slash = key.indexOf("/");
  const dot = key.indexOf(".");
  if (slash < 0 || (dot >= 0 && dot < slash)) return key;
  return key.replace(/[./]/g, (separator) => (separator === "/" ? "." : "/"));
}

function fill(reading: Reading, key: string, value: string): "taken" | "other" | "faulty" {
  const timeout = TIMEOUT_KEY.exec(key)?.[1];
  const [, device, name = ""] = DEVICE_KEY.exec(key) ?? [];
  const ofIPVS = IPVS_KEY.exec(key)?.[1] ?? "";
  const isOfIPVS = ofIPVS === "conn_reuse_mode" || Object.hasOwn(OF_IPVS, ofIPVS);
  const isSwitch = Object.hasOwn(SWITCHES, key);
  const ofInterface = device !== undefined && (name === "rp_filter" || Object.hasOwn(OF_INTERFACE, name));
  if (timeout === undefined && !isSwitch && !ofInterface && !isOfIPVS) {
    const known = NOT_MODELLED.find(([pattern]) => pattern.test(key));
    if (known !== undefined && !known[1].test(value)) reading.notModelled.push(key);
    return known === undefined ? "other" : "taken";
  }
  if (!/^[0-9]{1,10}$/.test(value)) return "faulty";
  const number = Number(value);
  if (timeout !== undefined) reading.timeouts.set(timeout, number);
  const flagOfIPVS = OF_IPVS[ofIPVS];
  if (ofIPVS === "conn_reuse_mode") reading.ipvs.connReuseMode = number;
  else if (isOfIPVS && flagOfIPVS !== undefined) reading.ipvs[flagOfIPVS] = number !== 0;
  const direct = SWITCHES[key];
  if (isSwitch && direct !== undefined) reading.switches[direct] = number !== 0;
  if (ofInterface) {
    const of = device.replaceAll("/", ".");
    const switches = reading.ipv4.get(of) ?? {};
    reading.ipv4.set(of, switches);
    const flag = OF_INTERFACE[name];
    if (name === "rp_filter") switches.rpFilter = number;
    else if (flag !== undefined) switches[flag] = number !== 0;
  }
  return "taken";
}

/**
 * The output of `sysctl -a` (dump-formats §6), or lines of a sysctl.conf: the keys that packets depend on; all others are
 * counted. Lines that are no `key = value` and values that are no number are reported; errors of the tool itself are
 * passed over.
 */
export function readSysctls(source: Source, report: Report): ReadSysctls {
  const reading: Reading = { switches: {}, timeouts: new Map(), ipv4: new Map(), ipvs: {}, notModelled: [] };
  let others = 0;
  let offset = 0;
  for (const line of source.text.split("\n")) {
    const place = { source, offset };
    offset += line.length + 1;
    const text = line.replace(/\r$/, "").trim();
    if (text === "" || /^[#;]/.test(text) || /^sysctl: /.test(text)) continue;
    const match = LINE.exec(text);
    if (match === null) {
      report({
        severity: "error",
        code: "sysctl-syntax",
        message: `expected key = value, found ${quoted(text)}`,
        place,
      });
      continue;
    }
    const [, key = "", value = ""] = match;
    const what = fill(reading, dotted(key), value);
    if (what === "other") others++;
    if (what === "faulty")
      report({
        severity: "error",
        code: "invalid-value",
        message: `Invalid value: ${quoted(value)} is no number`,
        field: key,
        place,
      });
  }
  return {
    switches: reading.switches,
    conntrackTimeouts: reading.timeouts,
    ipv4: reading.ipv4,
    ipvs: reading.ipvs,
    notModelled: reading.notModelled,
    others,
  };
}
