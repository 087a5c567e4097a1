import { defaultIPVSSwitches, ipvsSwitches } from "../../../src/kernel/ipvs/switches.ts";
import { sameAddress } from "../../../src/kernel/packet.ts";
import { addressText } from "../../../src/kernel/packet-text.ts";
import type { Operator } from "./fault.ts";
import { remade } from "./fault.ts";

const DUMMY = "kube-ipvs0";

/** Faults of what ipvs mode makes on a node besides rules. */
export const nodeOperators: readonly Operator[] = [
  {
    name: "an address not bound",
    *faults({ host, family }) {
      const device = host.byName.get(DUMMY);
      for (const own of device?.addresses ?? []) {
        if (own.family !== family || own.scope === "link") continue;
        const interfaces = host.interfaces.map((each) =>
          each.name === DUMMY ? { ...each, addresses: each.addresses.filter((other) => other !== own) } : each,
        );
        const routes = host.routes.filter(
          ({ destination, nextHops }) =>
            !(sameAddress(destination, own.address) && nextHops.some(({ device: name }) => name === DUMMY)),
        );
        yield {
          operator: this.name,
          place: `${DUMMY} ${addressText(own.address)}`,
          host: () => remade(host, { interfaces, routes }),
        };
      }
    },
  },
  {
    name: "a switch of ip_vs",
    *faults({ host }) {
      if (host.ipvs === undefined || host.sysctls.ipvs === undefined) return;
      const now = ipvsSwitches(host);
      const changed = (["conntrack", "expireNodestConn", "expireQuiescentTemplate"] as const).map((name) => ({
        [name]: !now[name],
      }));
      const reuse = { connReuseMode: now.connReuseMode === 0 ? defaultIPVSSwitches.connReuseMode : 0 };
      for (const change of [...changed, reuse])
        yield {
          operator: this.name,
          place: JSON.stringify(change),
          host: () => ({ ...host, sysctls: { ...host.sysctls, ipvs: { ...now, ...change } } }),
        };
    },
  },
];
