import type { Host } from "../kernel/host.ts";
import { type Address, sameAddress } from "../kernel/packet.ts";
import type { Network } from "../network/network.ts";
import { type Names, noNames } from "./names.ts";

/** The nodes of a network of dumps. */
function hostsOf(network: Network): readonly Host[] {
  return network.nodes.flatMap((name) => network.node(name)?.host ?? []);
}

function ownerOf(hosts: readonly Host[], address: Address): string | undefined {
  const host = hosts.find(({ interfaces }) =>
    interfaces.some(({ addresses }) => addresses.some((own) => sameAddress(own.address, address))),
  );
  return host === undefined ? undefined : `node ${host.name}`;
}

/** What the dumps of nodes tell of names. */
export function dumpNames(network: Network): Names {
  const hosts = hostsOf(network);
  return { ...noNames, holder: (address) => ownerOf(hosts, address) };
}
