import { endpointText } from "../../src/kernel/packet-text.ts";
import type { IPAddress } from "../../src/net/ip.ts";
import type { Random } from "../../src/net/random.ts";
import type { IPVSTable } from "../../src/rules/ipvs/model.ts";
import { endpoint, type TestNode } from "./test-node.ts";

const optionOf = (protocol: number): string => (protocol === 6 ? "-t" : protocol === 17 ? "-u" : "--sctp-service");

const textOf = (address: IPAddress, port: number): string =>
  endpointText(address.family === "IPv4" ? address.value : address.words, port);

/** A change of the virtual servers: a weight, a real server less or more; as a line of `ipvsadm -R`. None where there is nothing to change. */
export function changeOf({ virtualServers }: IPVSTable, { spare }: TestNode, random: Random): string | undefined {
  if (virtualServers.length === 0) return undefined;
  const { key, realServers: reals } = random.pick(virtualServers);
  if (key.kind === "fwmark") throw new Error("no virtual server here is by firewall mark");
  const server = `${optionOf(key.protocol)} ${textOf(key.address, key.port)}`;
  const kind = random.below(3);
  const chosen = reals.length === 0 || kind === 2 ? undefined : random.pick(reals);
  if (chosen === undefined) {
    const taken = new Set(reals.map(({ address, port }) => textOf(address, port)));
    const free = spare(key.address.family).map((address) => endpoint(address, 8080));
    const usable = free.filter((each) => !taken.has(each));
    return usable.length === 0 ? undefined : `-a ${server} -r ${random.pick(usable)} -m -w ${random.between(0, 3)}`;
  }
  const real = textOf(chosen.address, chosen.port);
  // a description does not tell of a change to the same weight, after which the kernel's wrr begins its round anew
  const weights = [0, 0, 1, 2, 4].filter((weight) => weight !== chosen.weight);
  return kind === 0 ? `-d ${server} -r ${real}` : `-e ${server} -r ${real} -m -w ${random.pick(weights)}`;
}
