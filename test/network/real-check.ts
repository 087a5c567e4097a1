import { hostFromDumps } from "../../src/dump/host-from-dumps.ts";
import type { HostDescription, Route } from "../../src/kernel/host.ts";
import type { Source } from "../../src/text/diagnostic.ts";
import { addressText } from "../routing/support.ts";
import type { RealNetwork } from "./real-network.ts";
import type { Place } from "./support.ts";

const routeText = ({
  family,
  table,
  type,
  destination,
  prefixLength,
  preferredSource,
  scope,
  nextHops,
}: Route): string => {
  const hops = nextHops.map(
    ({ device, gateway }) => `${gateway === undefined ? "" : `via ${addressText(gateway.address)} `}dev ${device}`,
  );
  const source = preferredSource === undefined ? "" : ` src ${addressText(preferredSource)}`;
  const words = family === "IPv4" ? ` scope ${scope}${source}` : "";
  return `${family} ${table} ${type} ${addressText(destination)}/${prefixLength} ${hops.join(" ")}${words}`;
};

/** What of a host decides about ways, a line each. */
function linesOf({ interfaces, routes }: Pick<HostDescription, "interfaces" | "routes">): Set<string> {
  const lines = interfaces.flatMap(({ name, mtu, up, addresses }) => [
    `${name} mtu ${mtu} ${up ? "up" : "down"}`,
    ...addresses.map(({ address, prefixLength, scope }) => `${name} ${addressText(address)}/${prefixLength} ${scope}`),
  ]);
  // the kernel has ff00::/8 on interfaces without an IPv6 address, too; who hears multicast is unknown to the network anyhow
  return new Set([...lines, ...routes.filter(({ type }) => type !== "multicast").map(routeText)]);
}

/** How a node that was made differs from what the emulated network takes it to be: lines with `+` are the kernel's alone, those with `-` ours. */
export async function nodeDifferences(place: Place, network: RealNetwork, name: string): Promise<readonly string[]> {
  const node = place.network.node(name);
  if (node === undefined) return [`there is no Node ${name}`];
  const sources = [
    { name: "addr", text: await network.run(name, ["ip", "-j", "addr"]) },
    { name: "route4", text: await network.run(name, ["ip", "-j", "-4", "route", "show", "table", "all"]) },
    { name: "route6", text: await network.run(name, ["ip", "-j", "-6", "route", "show", "table", "all"]) },
  ];
  return hostDifferences(sources, node.host);
}

/** How a machine of which `ip -j` told differs from a host, as `nodeDifferences` says it. */
export function hostDifferences(
  sources: readonly Source[],
  host: Pick<HostDescription, "name" | "interfaces" | "routes">,
): readonly string[] {
  const found = hostFromDumps(sources, () => undefined, { name: host.name });
  if (found === undefined) return ["its dumps cannot be read"];
  const [theirs, ours] = [linesOf(found), linesOf(host)];
  return [
    ...[...theirs].filter((line) => !ours.has(line)).map((line) => `+ ${line}`),
    ...[...ours].filter((line) => !theirs.has(line)).map((line) => `- ${line}`),
  ];
}
