import test from "ava";
import type { Cluster } from "../../src/cluster/cluster.ts";
import type { EndpointConditions } from "../../src/manifest/endpointslice.ts";
import type { ServiceSpec } from "../../src/manifest/service.ts";
import { type LawOptions, runLaw } from "./law.ts";
import { modes } from "./place.ts";

// more: npm run fuzz:intent
const SEEDS = { from: 0, to: 45, calls: 50 } as const;
/** Some misreadings show in few clusters. */
const MORE_SEEDS = { ...SEEDS, to: 70 } as const;

for (const mode of modes)
  test(`${mode}: packets go where Kubernetes promises, but for the deviations that are known`, (t) => {
    const { counts, unexplained } = runLaw({ mode, ...SEEDS });
    t.deepEqual(unexplained.slice(0, 5), []);
    t.is(counts.unknown, 0);
    // a law about promises of one kind, or of none, would be no law
    for (const kind of ["none", "endpoints", "nobody", "health-check", "unpromised"])
      t.true((counts.outcomes.get(kind) ?? 0) > 50, `${kind}: ${counts.outcomes.get(kind)}`);
  });

for (const minor of [25, 27, 31])
  test(`so they do in 1.${minor}`, (t) => {
    for (const mode of modes) t.deepEqual(runLaw({ mode, minor, from: 0, to: 25, calls: 40 }).unexplained, []);
  });

/** The cluster as somebody would read it who takes a field of each Service for another. */
function otherSpecs(change: (spec: ServiceSpec) => ServiceSpec): (cluster: Cluster) => Cluster {
  return (cluster) => ({
    ...cluster,
    services: cluster.services.map(({ value, origin }) => ({
      origin,
      value: { ...value, spec: change(value.spec ?? {}) },
    })),
  });
}

function otherConditions(
  change: (conditions: EndpointConditions) => EndpointConditions,
): (cluster: Cluster) => Cluster {
  return (cluster) => ({
    ...cluster,
    endpointSlices: cluster.endpointSlices.map(({ value, origin }) => ({
      origin,
      value: {
        ...value,
        endpoints: (value.endpoints ?? []).map((each) => ({ ...each, conditions: change(each.conditions ?? {}) })),
      },
    })),
  });
}

const turned = (policy: string | undefined): string => (policy === "Local" ? "Cluster" : "Local");

/** Ways to misunderstand the documentation: the law has to see each. */
const misreadings: Readonly<Record<string, Pick<LawOptions, "misread" | "misjudge">>> = {
  "readiness does not count": { misread: otherConditions((each) => ({ ...each, ready: true })) },
  "absent conditions are false": {
    misread: otherConditions(({ ready = false, ...rest }) => ({ ...rest, ready })),
  },
  "terminating endpoints never get anything": {
    misread: otherConditions((each) => ({ ...each, terminating: false })),
  },
  "internalTrafficPolicy the other way round": {
    misread: otherSpecs((spec) => ({ ...spec, internalTrafficPolicy: turned(spec.internalTrafficPolicy) })),
  },
  "externalTrafficPolicy the other way round": {
    misread: otherSpecs((spec) => ({ ...spec, externalTrafficPolicy: turned(spec.externalTrafficPolicy) })),
  },
  "source ranges do not count": { misread: otherSpecs(({ loadBalancerSourceRanges: _, ...spec }) => spec) },
  "external IPs are no addresses of the Service": { misread: otherSpecs(({ externalIPs: _, ...spec }) => spec) },
  "node ports are no ports of the Service": {
    misread: otherSpecs((spec) => ({ ...spec, ports: (spec.ports ?? []).map(({ nodePort: _, ...port }) => port) })),
  },
  "ports are one higher": {
    misread: otherSpecs((spec) => ({
      ...spec,
      ports: (spec.ports ?? []).map((port) => ({ ...port, port: (port.port ?? 0) + 1 })),
    })),
  },
  "every node port is open everywhere": { misjudge: (facts) => ({ ...facts, nodePortAddresses: [] }) },
  "node ports are closed on localhost": {
    misjudge: (facts) => ({ ...facts, localhostNodePorts: false }),
  },
  "masqueradeAll the other way round": {
    misjudge: (facts) => ({ ...facts, masqueradeAll: !facts.masqueradeAll }),
  },
  "every Pod is known": { misjudge: (facts) => ({ ...facts, knownPods: "all" }) },
  "AllowServiceExternalIPs the other way round": {
    misjudge: (facts) => ({ ...facts, externalIPs: !facts.externalIPs }),
  },
  "the release has no fallback to terminating endpoints": {
    misjudge: (facts) => ({ ...facts, release: { minor: 25 } }),
  },
};

for (const [name, wrong] of Object.entries(misreadings))
  test(`the law sees who believes: ${name}`, (t) => {
    const { unexplained } = runLaw({ mode: "iptables", ...MORE_SEEDS, enough: 1, ...wrong });
    t.true(unexplained.length > 0);
  });
