import type { KubeProxyConfiguration } from "../manifest/kubeproxy.ts";
import type { Maker } from "./chooser.ts";
import { member } from "./member.ts";
import type { Way } from "./weights.ts";

const clusterCIDR: Readonly<Record<Way<"config.clusterCIDR">, string>> = {
  absent: "",
  IPv4: "10.128.0.0/9",
  IPv6: "fd00:10:244::/48",
  "IPv4,IPv6": "10.128.0.0/9,fd00:10:244::/48",
  "IPv6,IPv4": "fd00:10:244::/48,10.128.0.0/9",
  "host-bits": "10.128.3.7/9",
};

const nodePortAddresses: Readonly<Record<Way<"config.nodePortAddresses">, readonly string[]>> = {
  absent: [],
  primary: ["primary"],
  localhost: ["localhost"],
  all: ["all"],
  IPv4: ["192.168.0.0/24"],
  IPv6: ["fd00:192:168::/48"],
  both: ["192.168.0.0/24", "fd00:192:168::/48"],
  loopback: ["127.0.0.0/8", "::1/128"],
  "match-all": ["0.0.0.0/0", "::/0"],
  nowhere: ["203.0.113.0/30", "2001:db8:ff::/64"],
  several: ["172.16.0.0/12", "192.168.0.1/32", "127.0.0.1/32", "fd00:172:16::/64"],
};

const bit: Readonly<Record<Way<"config.masqueradeBit">, number | undefined>> = {
  absent: undefined,
  zero: 0,
  other: 5,
  "thirty-one": 31,
};

const bindAddress: Readonly<Record<Way<"config.bindAddress">, string | undefined>> = {
  absent: undefined,
  "any IPv4": "0.0.0.0",
  "any IPv6": "::",
  IPv4: "192.168.0.9",
  IPv6: "fd00:192:168::9",
};

const detectLocal: Readonly<Record<Way<"config.detectLocal">, KubeProxyConfiguration["detectLocal"]>> = {
  absent: undefined,
  bridge: { bridgeInterface: "cbr0" },
  prefix: { interfaceNamePrefix: "veth" },
  both: { bridgeInterface: "cbr0", interfaceNamePrefix: "veth" },
};

/** A setting that may be left out. */
function flag(way: "absent" | "true" | "false"): boolean | undefined {
  return way === "absent" ? undefined : way === "true";
}

/** kube-proxy does not start when the mode's own setting is missing, so that is kept rare. */
function usableDetectLocal(
  mode: Way<"config.detectLocalMode">,
  chosen: Way<"config.detectLocal">,
  unusable: boolean,
): Way<"config.detectLocal"> {
  if (unusable) return chosen;
  if (mode === "BridgeInterface") return chosen === "bridge" ? "bridge" : "both";
  if (mode === "InterfaceNamePrefix") return chosen === "prefix" ? "prefix" : "both";
  return chosen;
}

/** The configuration of kube-proxy; some are refused by it, as a file in a cluster may be. */
export function sampleConfig({ choose, random }: Maker): KubeProxyConfiguration {
  const mode = choose("config.detectLocalMode");
  const detect = usableDetectLocal(mode, choose("config.detectLocal"), random.chance(1 / 20));
  const iptables = {
    ...member("masqueradeAll", flag(choose("config.masqueradeAll"))),
    ...member("masqueradeBit", bit[choose("config.masqueradeBit")]),
    ...member("localhostNodePorts", flag(choose("config.localhostNodePorts"))),
  };
  const addresses = nodePortAddresses[choose("config.nodePortAddresses")];
  const cidr = clusterCIDR[choose("config.clusterCIDR")];
  const gate = flag(choose("config.externalIPs"));
  const liberal = flag(choose("config.tcpBeLiberal"));
  return {
    ...member("mode", choose("config.mode") === "iptables" ? "iptables" : undefined),
    ...member("bindAddress", bindAddress[choose("config.bindAddress")]),
    ...member("detectLocalMode", mode === "absent" ? undefined : mode),
    ...member("detectLocal", detectLocal[detect]),
    ...member("clusterCIDR", cidr === "" ? undefined : cidr),
    ...member("iptables", Object.keys(iptables).length > 0 ? iptables : undefined),
    ...member("nodePortAddresses", addresses.length > 0 ? addresses : undefined),
    ...member("featureGates", gate === undefined ? undefined : { AllowServiceExternalIPs: gate }),
    ...member("conntrack", liberal === undefined ? undefined : { tcpBeLiberal: liberal }),
  };
}
