import IPCIDR from "ip-cidr";
import type { ResolvedConfig } from "../cluster/kubeproxy-config.ts";
import type { HostFile } from "../manifest/hostfile.ts";
import { formatIP } from "../net/ip.ts";
import type { Report } from "../text/diagnostic.ts";
import type { HostFacts, NodeInterface, NodeView } from "./node.ts";

/** The interfaces of a node of which only the Node object is known: loopback, and one with the Node's addresses. */
function assumedInterfaces(node: NodeView): NodeInterface[] {
  const addresses = node.ips.map((address) => `${formatIP(address)}/${address.family === "IPv4" ? 32 : 128}`);
  return [
    { name: "lo", addresses: ["127.0.0.1/8", "::1/128"] },
    { name: "eth0", addresses },
  ];
}

/** Interface addresses as `ip addr` shows them; a bare address is taken for a host's. */
function interfacesOf(file: HostFile, report: Report): NodeInterface[] | undefined {
  return file.interfaces?.map(({ name = "", addresses = [] }, i) => {
    addresses.forEach((text, j) => {
      // strict where a person types: no octal look-alikes, no missing octets
      if (IPCIDR.isValidCIDR(text) || IPCIDR.isValidAddress(text)) return;
      const field = `interfaces[${i}].addresses[${j}]`;
      const message = `Invalid value: ${JSON.stringify(text)}: expected ADDRESS/LENGTH, such as 192.168.0.1/24 or fd00::1/64`;
      report({ severity: "error", code: "invalid-host", field, message });
    });
    return { name, addresses };
  });
}

/** The facts of a node: what a host file says, and those of a usual node for the rest. Faulty addresses are reported. */
export function usualHostFacts(file: HostFile, node: NodeView, config: ResolvedConfig, report: Report): HostFacts {
  const interfaces = interfacesOf(file, report);
  if (interfaces === undefined && config.nodePortAddresses.length > 0) {
    const message =
      "nodePortAddresses is set, but the node's interfaces are not known: lo and the Node's own addresses are assumed (--host tells them)";
    report({ severity: "note", code: "interfaces-assumed", message });
  }
  const nfacct = file.nfacct ?? true;
  return {
    interfaces: interfaces ?? assumedInterfaces(node),
    nfacct: { ctStateInvalidDropped: nfacct, localhostNodePortsAccepted: nfacct },
    conntrackTCPLiberal: file.conntrackTCPLiberal ?? false,
    randomFully: file.randomFully ?? true,
  };
}
