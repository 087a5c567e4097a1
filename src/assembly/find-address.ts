import type { Cluster } from "../cluster/cluster.ts";
import { suggest } from "../cluster/suggest.ts";
import type { Address } from "../kernel/packet.ts";
import type { Located } from "../manifest/object.ts";
import type { Pod } from "../manifest/pod.ts";
import type { Service } from "../manifest/service.ts";
import type { IPFamily } from "../net/family.ts";
import { type IPAddress, parseIP } from "../net/ip.ts";
import { addressOf } from "../network/addresses.ts";
import { nodeAddresses } from "../network/node-addresses.ts";
import { clusterIPOf } from "../proxy/serviceport.ts";

/** The objects that names are looked up in. */
export interface AddressBook {
  readonly cluster: Cluster;
  /** Pods, where they are known; endpoints that name their Pod stand in for those that are not. */
  readonly pods: readonly Located<Pod>[];
}

/** What a text such as `svc/shop/api:http` names. */
export type FoundAddress =
  | {
      readonly kind: "found";
      readonly family: IPFamily;
      readonly address: Address;
      /** As written, or the number of the Service's port of that name; a Service's only port where none is written. */
      readonly port?: number;
      /** TCP, UDP or SCTP, where a Service's port tells. */
      readonly protocol?: string;
    }
  /** `code` is for programs and tests, `message` says what to do; the caller knows the place. */
  | {
      readonly kind: "not-found";
      readonly code: "no-address" | "no-such-object" | "no-such-port" | "other-family";
      readonly message: string;
    };

const KINDS: ReadonlyMap<string, "pod" | "service" | "node"> = new Map([
  ...["pod", "pods", "po"].map((word) => [word, "pod"] as const),
  ...["service", "services", "svc"].map((word) => [word, "service"] as const),
  ...["node", "nodes", "no"].map((word) => [word, "node"] as const),
]);
const TITLES = { pod: "Pod", service: "Service", node: "Node" } as const;
const FORMS = "ADDRESS, ADDRESS:PORT, [ADDRESS]:PORT, pod/NAMESPACE/NAME, svc/NAMESPACE/NAME:PORT or node/NAME";

type Missing = Extract<FoundAddress, { kind: "not-found" }>;
type Code = Missing["code"];

const missing = (code: Code, message: string): Missing => ({ kind: "not-found", code, message });

function parsePort(text: string): number | undefined {
  const port = Number(text);
  return /^\d{1,5}$/.test(text) && port <= 65535 ? port : undefined;
}

/** One address of a family out of several; the first of all where no family is asked for. */
function choose(
  what: string,
  addresses: readonly IPAddress[],
  family: IPFamily | undefined,
): IPAddress | { readonly kind: "not-found"; readonly code: Code; readonly message: string } {
  const found = addresses.find((ip) => family === undefined || ip.family === family);
  if (found !== undefined) return found;
  if (addresses.length === 0) return missing("no-address", `${what} has no address`);
  return missing("other-family", `${what} has no ${family} address`);
}

function placed(ip: IPAddress, more: { readonly port?: number; readonly protocol?: string } = {}): FoundAddress {
  return { kind: "found", family: ip.family, address: addressOf(ip), ...more };
}

/** `ADDRESS`, `ADDRESS:PORT` or `[ADDRESS]:PORT`. */
function literal(text: string, family: IPFamily | undefined): FoundAddress {
  const whole = parseIP(text);
  const [, bracketed, plain, portText] = /^(?:\[([^\]]+)\]|([^[\]:]+))(?::(.*))?$/.exec(text) ?? [];
  const ip = whole ?? parseIP(bracketed ?? plain ?? "");
  if (ip === undefined) return missing("no-address", `${JSON.stringify(text)}: expected ${FORMS}`);
  const chosen = choose(text, [ip], family);
  if ("kind" in chosen) return chosen;
  if (whole !== undefined || portText === undefined) return placed(ip);
  const port = parsePort(portText);
  return port === undefined
    ? missing("no-such-port", `${JSON.stringify(portText)} is no port: a number from 0 to 65535 is expected`)
    : placed(ip, { port });
}

/** No object of the name: what may have been meant. */
function noSuch(title: string, key: string, known: readonly string[]): Missing {
  const [, name] = key.split("/");
  const elsewhere = name === undefined ? undefined : known.find((other) => other.endsWith(`/${name}`));
  const meant = elsewhere ?? suggest(key, known);
  if (meant !== undefined)
    return missing("no-such-object", `there is no ${title} ${key}; did you mean ${JSON.stringify(meant)}?`);
  const few = known.length > 0 && known.length <= 8 ? `; known are ${known.join(", ")}` : "";
  return missing("no-such-object", `there is no ${title} ${key} among the objects${few}`);
}

/** Addresses of Pods by `namespace/name`: what Pods say of themselves, else endpoints that name their Pod. */
function podAddresses({ cluster, pods }: AddressBook): ReadonlyMap<string, readonly IPAddress[]> {
  const found = new Map<string, IPAddress[]>();
  for (const { value } of pods) {
    const texts = value.status?.podIPs?.map(({ ip = "" }) => ip) ?? [value.status?.podIP ?? ""];
    const key = `${value.metadata.namespace ?? "default"}/${value.metadata.name ?? ""}`;
    found.set(
      key,
      texts.flatMap((text) => parseIP(text) ?? []),
    );
  }
  const written = new Set(found.keys());
  for (const { value } of cluster.endpointSlices)
    for (const { targetRef, addresses = [] } of value.endpoints ?? []) {
      if (targetRef?.kind !== "Pod") continue;
      const key = `${targetRef.namespace ?? value.metadata.namespace ?? ""}/${targetRef.name ?? ""}`;
      const ip = parseIP(addresses[0] ?? "");
      if (ip === undefined || written.has(key)) continue;
      found.set(key, [...(found.get(key) ?? []), ip]);
    }
  return found;
}

/** The port that a text names: one of the Service's by name, or any number (also one that the Service does not have). */
function servicePort(
  key: string,
  { spec }: Service,
  text: string | undefined,
): { readonly port?: number; readonly protocol?: string } | Missing {
  const ports = spec?.ports ?? [];
  const number = text === undefined ? undefined : parsePort(text);
  const named = ports.filter(({ name = "", port }) => (number === undefined ? name === text : port === number));
  const fitting = text === undefined ? ports : named;
  const [only, second] = fitting;
  if (only?.port !== undefined && second === undefined) return { port: only.port, protocol: only.protocol ?? "TCP" };
  if (text === undefined) return {};
  if (number !== undefined) return { port: number };
  const names = ports.flatMap(({ name }) => (name === undefined || name === "" ? [] : [name]));
  const meant = suggest(text, names);
  const known = ports.map(({ name = "", port }) => (name === "" ? `${port}` : `${name} (${port})`)).join(", ");
  const hint = meant === undefined ? `it has ${known}` : `did you mean ${JSON.stringify(meant)}?`;
  return missing("no-such-port", `Service ${key} has no port ${JSON.stringify(text)}; ${hint}`);
}

function findService(
  { cluster }: AddressBook,
  key: string,
  portText: string | undefined,
  family: IPFamily | undefined,
): FoundAddress {
  const nameOf = ({ metadata }: Service): string => `${metadata.namespace ?? ""}/${metadata.name ?? ""}`;
  const service = cluster.services.find(({ value }) => nameOf(value) === key)?.value;
  if (service === undefined)
    return noSuch(
      "Service",
      key,
      cluster.services.map(({ value }) => nameOf(value)),
    );
  const { spec = {} } = service;
  if (spec.type === "ExternalName")
    return missing("no-address", `Service ${key} is of type ExternalName: it has no address, only a name in DNS`);
  if (spec.clusterIP === "None")
    return missing("no-address", `Service ${key} is headless: it has no address of its own, its Pods have`);
  const order: readonly IPFamily[] = spec.ipFamilies?.length ? (spec.ipFamilies as IPFamily[]) : ["IPv4", "IPv6"];
  const ips = order.flatMap((each) => parseIP(clusterIPOf(spec, each) ?? "") ?? []);
  const chosen = choose(`Service ${key}`, ips, family);
  if ("kind" in chosen) return chosen;
  const port = servicePort(key, service, portText);
  return "kind" in port ? port : placed(chosen, port);
}

/** A Pod or a Node with a port written as a number. */
function findHolder(
  what: string,
  addresses: readonly IPAddress[],
  portText: string | undefined,
  family: IPFamily | undefined,
): FoundAddress {
  const chosen = choose(what, addresses, family);
  if ("kind" in chosen) return chosen;
  if (portText === undefined) return placed(chosen);
  const port = parsePort(portText);
  if (port !== undefined) return placed(chosen, { port });
  return missing("no-such-port", `${JSON.stringify(portText)} is no port: ${what} is asked for by number`);
}

/**
 * The address and port that a text names, as kubectl names objects: `pod/NAMESPACE/NAME[:PORT]`,
 * `svc/NAMESPACE/NAME[:PORT]` (port by name or number; a ClusterIP), `node/NAME[:PORT]`, or an address with or without a
 * port. Without a namespace it is `default`. `family` asks for an address of that family; without it the first one that
 * the object has is taken.
 */
export function findAddress(book: AddressBook, text: string, family?: IPFamily): FoundAddress {
  const [, word = "", rest = ""] = /^([A-Za-z]+)\/(.*)$/.exec(text) ?? [];
  if (word === "") return literal(text, family);
  const kind = KINDS.get(word.toLowerCase());
  if (kind === undefined) {
    const meant = suggest(word, [...KINDS.keys()]);
    const hint = meant === undefined ? `expected ${FORMS}` : `did you mean ${JSON.stringify(`${meant}/${rest}`)}?`;
    return missing("no-such-object", `${JSON.stringify(text)}: ${hint}`);
  }
  const colon = rest.indexOf(":");
  const path = (colon < 0 ? rest : rest.slice(0, colon)).split("/");
  const portText = colon < 0 ? undefined : rest.slice(colon + 1);
  if (path.length > (kind === "node" ? 1 : 2) || path.includes(""))
    return missing("no-such-object", `${JSON.stringify(text)}: expected ${FORMS}`);
  const key = kind === "node" || path.length === 2 ? path.join("/") : `default/${path[0]}`;
  if (kind === "service") return findService(book, key, portText, family);
  if (kind === "pod") {
    const pods = podAddresses(book);
    const addresses = pods.get(key);
    if (addresses === undefined) return noSuch(TITLES.pod, key, [...pods.keys()]);
    return findHolder(`Pod ${key}`, addresses, portText, family);
  }
  const { nodes } = book.cluster;
  const node = nodes.find(({ value }) => value.metadata.name === key)?.value;
  if (node === undefined)
    return noSuch(
      TITLES.node,
      key,
      nodes.map(({ value }) => value.metadata.name ?? ""),
    );
  return findHolder(`Node ${key}`, nodeAddresses(node), portText, family);
}
