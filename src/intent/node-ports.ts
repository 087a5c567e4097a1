import { type IPAddress, isLoopback } from "../net/ip.ts";
import { type Prefix, parsePrefix, prefixContains } from "../net/prefix.ts";
import type { OperatorFacts } from "./facts.ts";

/** The addresses of nodes that have node ports: a list of networks, and whether each node's own addresses of its object are among them. */
export interface NodePortPlaces {
  readonly everywhere: boolean;
  readonly primary: boolean;
  readonly networks: readonly Prefix[];
  readonly localhost: boolean;
}

const LOCALHOST = ["127.0.0.0/8", "::1/128"];

/** `KubeProxyConfiguration.nodePortAddresses`, with its keywords. */
export function nodePortPlaces({ nodePortAddresses, localhostNodePorts }: OperatorFacts): NodePortPlaces {
  const networks = nodePortAddresses.flatMap((text) =>
    (text === "localhost" ? LOCALHOST : [text]).flatMap((each) => parsePrefix(each) ?? []),
  );
  return {
    everywhere: nodePortAddresses.length === 0 || nodePortAddresses.includes("all"),
    primary: nodePortAddresses.includes("primary"),
    networks,
    localhost: localhostNodePorts,
  };
}

/**
 * Has an address of a node its node ports? `primary` are the addresses of the Node object that stand for it. A loopback address
 * has them where the list covers it and `localhostNodePorts` is on, and never in IPv6.
 */
export function hasNodePorts(places: NodePortPlaces, address: IPAddress, primary: readonly IPAddress[]): boolean {
  if (isLoopback(address) && (!places.localhost || address.family === "IPv6")) return false;
  if (places.everywhere || places.networks.some((network) => prefixContains(network, address))) return true;
  return places.primary && primary.some((own) => sameIP(own, address));
}

function sameIP(a: IPAddress, b: IPAddress): boolean {
  if (a.family === "IPv4") return b.family === "IPv4" && a.value === b.value;
  return b.family === "IPv6" && a.words.every((word, i) => word === b.words[i]);
}
