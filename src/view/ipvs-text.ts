import { loadSet } from "../compile/ipvs/sets.ts";
import { formatPrefix } from "../net/prefix.ts";
import { ipvsInterface } from "../proxy/ipvs.ts";
import { formatIPSets } from "../rules/ipset/format.ts";
import type { IPSet } from "../rules/ipset/model.ts";
import { formatIPVSCommands, formatIPVSListing } from "../rules/ipvs/format.ts";
import type { IPVSTable } from "../rules/ipvs/model.ts";
import type { Report } from "../text/diagnostic.ts";
import type { IPVSFamilyResult } from "./family-result.ts";

/** Both families' virtual servers: the node has one table. */
export function nodeTable(results: readonly IPVSFamilyResult[]): IPVSTable {
  const timeouts = results[0]?.compiled.table.timeouts;
  return {
    virtualServers: results.flatMap(({ compiled }) => compiled.table.virtualServers),
    ...(timeouts !== undefined && { timeouts }),
  };
}

/**
 * Tells of endpoints that are not of their virtual server's family, which the API server does not let through: kube-proxy
 * asks for them all the same, and the texts show that, but what the kernel makes of it is not modelled.
 */
function reportMixed(results: readonly IPVSFamilyResult[], report: Report): void {
  for (const { state, compiled } of results) {
    for (const { server, address, endpoints } of compiled.servers) {
      server.realServers.forEach((real, i) => {
        if (real.address.family === state.family) return;
        const message = `the endpoint ${endpoints[i]?.text} is not of the family of ${address}: what the kernel makes of that real server is not modelled`;
        report({ severity: "warning", code: "real-server-family", message });
      });
    }
  }
}

/** What `ipvsadm -Sn` prints on the node. */
export function ipvsadmText(results: readonly IPVSFamilyResult[], report: Report): string {
  reportMixed(results, report);
  return formatIPVSCommands(nodeTable(results));
}

/** What `ipvsadm -Ln` prints on the node before any connection. */
export function ipvsadmListing(results: readonly IPVSFamilyResult[], report: Report): string {
  reportMixed(results, report);
  return formatIPVSListing(nodeTable(results));
}

/**
 * The sets that the node has, by name, those of IPv4 first, elements as `ipset -sorted save` orders them. `report` is told of
 * entries that the tool refuses.
 */
export function nodeSets(results: readonly IPVSFamilyResult[], report: Report): ReadonlyMap<string, IPSet> {
  const loaded = new Map<string, IPSet>();
  for (const { compiled } of results) {
    for (const set of compiled.sets) {
      loaded.set(set.name, loadSet(set));
      for (const { text, values } of set.entries) {
        if (values !== undefined) continue;
        const message = `ipset would refuse the entry ${text} of ${set.name}: then no source is let in by it`;
        report({ severity: "warning", code: "ipset-refuses", message });
      }
    }
  }
  return loaded;
}

/** What `ipset -sorted save` prints on the node. */
export function ipsetText(results: readonly IPVSFamilyResult[], report: Report): string {
  return formatIPSets(nodeSets(results, report));
}

const FULL = { IPv4: 32, IPv6: 128 } as const;

/** The interface that holds the addresses of virtual servers, as the input of `ip -batch -`. */
export function addressesText(results: readonly IPVSFamilyResult[]): string {
  const lines = results.flatMap(({ state, compiled }) =>
    compiled.addresses.map(({ address }) => {
      const prefix = formatPrefix({ address, length: FULL[state.family] });
      return `address add ${prefix} dev ${ipvsInterface}\n`;
    }),
  );
  return `link add ${ipvsInterface} type dummy\n${lines.join("")}`;
}

/** The kernel settings that kube-proxy makes at start, as `sysctl -a` prints them; both families make the same. */
export function sysctlText(results: readonly IPVSFamilyResult[]): string {
  const sysctls = results[0]?.compiled.sysctls ?? [];
  return sysctls.map(({ name, value }) => `${name.replaceAll("/", ".")} = ${value}\n`).join("");
}

/** File names and texts of what the node has beside iptables. */
export function ipvsNodeFiles(
  results: readonly IPVSFamilyResult[],
  report: Report,
): readonly (readonly [string, string])[] {
  return [
    ["ipvsadm.save", ipvsadmText(results, report)],
    // what there is to say was said of the other form
    ["ipvsadm.list", ipvsadmListing(results, () => undefined)],
    ["ipset.save", ipsetText(results, report)],
    ["addresses", addressesText(results)],
    ["sysctl", sysctlText(results)],
  ];
}
