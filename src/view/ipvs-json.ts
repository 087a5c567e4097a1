import { type ItemOrigin, ipvsItemKinds } from "../compile/ipvs/provenance.ts";
import type { CompiledServer } from "../compile/ipvs/servers.ts";
import type { KubeProxyConfiguration } from "../manifest/kubeproxy.ts";
import type { Located } from "../manifest/object.ts";
import { formatIP } from "../net/ip.ts";
import { formatRelease } from "../proxy/release.ts";
import { formatCommand } from "../rules/iptables/format.ts";
import { type ReasonEntry, reasonEntry, ruleEntries } from "./compiled-json.ts";
import type { IPVSFamilyResult } from "./family-result.ts";
import { configurationOwner, type Owner, placeFinder } from "./rule-reasons.ts";

type Explain = (origin: ItemOrigin) => ReasonEntry & { readonly kind: string };

const PROTOCOLS: Readonly<Record<number, string>> = { 6: "TCP", 17: "UDP", 132: "SCTP" };

function serverEntry({ server, address, origin, endpoints }: CompiledServer, explain: Explain): object {
  const { key, scheduler, schedulerFlags, persistence } = server;
  if (key.kind !== "address") throw new Error("kube-proxy makes no servers of firewall marks");
  return {
    protocol: PROTOCOLS[key.protocol] ?? `${key.protocol}`,
    address,
    port: key.port,
    scheduler: typeof scheduler === "string" ? scheduler : scheduler.unknown,
    ...(schedulerFlags.length > 0 && { schedulerFlags }),
    ...(persistence !== undefined && { persistenceSeconds: persistence.timeout }),
    ...explain(origin),
    realServers: server.realServers.map((real, i) => {
      const endpoint = endpoints[i];
      const from: ItemOrigin = {
        kind: "real-server",
        facts: ipvsItemKinds["real-server"],
        decision: origin.decision,
        endpoint,
        index: endpoint?.index,
      };
      return { address: formatIP(real.address), port: real.port, weight: real.weight, ...explain(from) };
    }),
  };
}

function familyEntry({ state, compiled }: IPVSFamilyResult, configuration: Owner | undefined): object {
  const findPlace = placeFinder();
  const explain: Explain = (origin) => ({ kind: origin.kind, ...reasonEntry(origin, configuration, findPlace) });
  const settings = { decision: undefined, endpoint: undefined, index: undefined };
  return {
    family: state.family,
    node: state.nodeName,
    mode: "ipvs",
    release: formatRelease(state.release),
    commands: compiled.commands.map(formatCommand),
    tables: compiled.tables.map((table) => ({
      name: table.name,
      chains: table.chains.map((chain) => chain.name),
      rules: ruleEntries(table, configuration),
    })),
    virtualServers: compiled.servers.map((server) => serverEntry(server, explain)),
    ...(compiled.table.timeouts !== undefined && { timeouts: compiled.table.timeouts }),
    sets: compiled.sets.map(({ name, type, entries }) => ({
      name,
      type,
      entries: entries.map(({ text, values, origin }) => ({
        entry: text,
        ...(values === undefined && { refused: true }),
        ...explain(origin),
      })),
    })),
    addresses: compiled.addresses.map(({ text, origin }) => ({ address: text, ...explain(origin) })),
    sysctls: compiled.sysctls.map(({ name, value, facts }) => ({
      name,
      value,
      ...reasonEntry({ ...settings, facts }, configuration, findPlace),
    })),
    healthCheckNodePorts: Object.fromEntries(state.health),
  };
}

/**
 * Everything that ipvs mode makes with the object and field behind it, as JSON of our own (`rulewalk/v1`): rules, virtual and
 * real servers, entries of sets, bound addresses and kernel settings. Ends with a line end.
 */
export function compiledIPVSJSON(
  results: readonly IPVSFamilyResult[],
  written?: Located<KubeProxyConfiguration>,
): string {
  const configuration = configurationOwner(written);
  const families = results.map((result) => familyEntry(result, configuration));
  return `${JSON.stringify({ format: "rulewalk/v1", families }, undefined, 2)}\n`;
}
