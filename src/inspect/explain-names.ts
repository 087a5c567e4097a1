import type { Rule } from "../rules/iptables/model.ts";
import { formatProtocol } from "../rules/iptables/protocols.ts";
import { formatNATRange } from "../rules/iptables/targets/nat.ts";
import { kubeHash } from "./chain-hash.ts";
import { hashedKind } from "./chain-names.ts";
import type { LintChain } from "./dump.ts";
import { leadsTo } from "./dump.ts";
import { commentOf, type KubeComment, readKubeComment } from "./explain-comments.ts";

/** A Service behind a chain, and how that is known. */
export interface ChainService {
  /** `namespace/name:port` */
  readonly service: string;
  /** `comment`: a comment says so, and the chain's name is its hash. `comment-only`: it is not. `hash`: no comment, but the name is the hash of this one. */
  readonly told: "comment" | "comment-only" | "hash";
}

/** Service ports that every cluster has, for chains that no comment names. */
const wellKnown: readonly (readonly [service: string, protocol: string])[] = [
  ["default/kubernetes:https", "tcp"],
  ["kube-system/kube-dns:dns", "udp"],
  ["kube-system/kube-dns:dns-tcp", "tcp"],
  ["kube-system/kube-dns:metrics", "tcp"],
];

const hashOf = (chain: string): string => chain.slice(chain.lastIndexOf("-") + 1);

interface Named {
  readonly service: string;
  readonly protocol: string | undefined;
}

/** The Services and endpoints behind the chains of one dump; made in one pass over its rules. */
export class KubeNames {
  readonly #ports = new Map<string, Named>();
  readonly #endpointService = new Map<string, string>();
  readonly #parents = new Map<string, string>();
  readonly #endpoints = new Map<string, string>();
  readonly #services = new Map<string, ChainService | undefined>();
  readonly #candidates: ReadonlySet<string>;
  #known: ReadonlyMap<string, string> | undefined;

  /** `candidates` are Service ports (`namespace/name:port`) that are known from elsewhere: chains are told by their hashes. */
  constructor(candidates: ReadonlySet<string> = new Set()) {
    this.#candidates = candidates;
  }

  /** Learns from the rules of a chain of kube-proxy. */
  learn(chain: NamedRules): void {
    const kind = hashedKind(chain.name);
    for (const rule of chain.rules) {
      const comment = commentOf(rule);
      const said = comment === undefined ? undefined : readKubeComment(comment);
      if (kind === "SEP") this.#endpointRule(chain.name, rule, said);
      else if (kind !== undefined && said !== undefined) this.#name(chain.name, said.service, undefined);
      const target = leadsTo(rule);
      if (target !== undefined) this.#jump(chain.name, target, rule, said);
    }
  }

  #name(chain: string, service: string, protocol: string | undefined): void {
    const hash = hashOf(chain);
    const known = this.#ports.get(hash);
    if (known === undefined || (known.protocol === undefined && known.service === service))
      this.#ports.set(hash, { service, protocol });
  }

  #endpointRule(chain: string, { target }: Rule, said: KubeComment | undefined): void {
    if (said !== undefined && !this.#endpointService.has(chain)) this.#endpointService.set(chain, said.service);
    if (target?.kind === "DNAT" && target.range.addresses !== undefined)
      this.#endpoints.set(chain, formatNATRange(target.range));
  }

  #jump(from: string, to: string, { protocol }: Rule, said: KubeComment | undefined): void {
    const kind = hashedKind(to);
    if (kind === undefined) return;
    if (kind === "SEP") {
      if (said !== undefined && !this.#endpointService.has(to)) this.#endpointService.set(to, said.service);
      if (said?.endpoint !== undefined && !this.#endpoints.has(to)) this.#endpoints.set(to, said.endpoint);
      // an endpoint's chain is nobody's parent: where texts are damaged they lead to each other, or to themselves
      const above = hashedKind(from);
      if (above !== undefined && above !== "SEP") this.#parents.set(to, from);
    } else if (said !== undefined) {
      const known = protocol === undefined || protocol.negated ? undefined : formatProtocol(protocol.value);
      this.#name(to, said.service, known);
    }
  }

  /** `ADDRESS:PORT` of an endpoint's chain. */
  endpoint(chain: string): string | undefined {
    return this.#endpoints.get(chain);
  }

  /** The Service behind a chain; `undefined` when nothing tells. */
  service(chain: string): ChainService | undefined {
    const kind = hashedKind(chain);
    if (kind === undefined) return undefined;
    const key = kind === "SEP" ? chain : hashOf(chain);
    if (!this.#services.has(key)) this.#services.set(key, kind === "SEP" ? this.#ofEndpoint(chain) : this.#ofHash(key));
    return this.#services.get(key);
  }

  #knownHashes(): ReadonlyMap<string, string> {
    if (this.#known === undefined) {
      const known = new Map(wellKnown.map(([name, protocol]) => [kubeHash(name + protocol), name]));
      for (const name of this.#candidates) for (const protocol of protocols) known.set(kubeHash(name + protocol), name);
      this.#known = known;
    }
    return this.#known;
  }

  #ofEndpoint(chain: string): ChainService | undefined {
    const own = this.#endpointService.get(chain);
    const parent = this.#parents.get(chain);
    const above = parent === undefined ? undefined : this.service(parent);
    if (own === undefined || own === above?.service) return above;
    const endpoint = this.#endpoints.get(chain);
    const fits = protocols.some(
      (protocol) => endpoint !== undefined && kubeHash(own + protocol + endpoint) === hashOf(chain),
    );
    return { service: own, told: fits ? "comment" : "comment-only" };
  }

  #ofHash(hash: string): ChainService | undefined {
    const named = this.#ports.get(hash);
    if (named === undefined) {
      const service = this.#knownHashes().get(hash);
      return service === undefined ? undefined : { service, told: "hash" };
    }
    const { service, protocol } = named;
    const candidates = protocol === undefined ? protocols : [protocol];
    const fits = candidates.some((each) => kubeHash(service + each) === hash);
    return { service, told: fits ? "comment" : "comment-only" };
  }
}

/** A chain's name and its rules. */
type NamedRules = Pick<LintChain, "name"> & { readonly rules: readonly Rule[] };

/** Protocols of Service ports, as they stand in the text that is hashed. */
const protocols: readonly string[] = ["tcp", "udp", "sctp"];
