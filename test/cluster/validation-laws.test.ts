import test, { type ExecutionContext } from "ava";
import fc from "fast-check";
import { defaultEndpointSlice, defaultEndpoints, defaultService } from "../../src/cluster/defaults.ts";
import { formatDuration, parseDuration } from "../../src/cluster/kubeproxy/go-duration.ts";
import { resolveKubeProxyConfig } from "../../src/cluster/kubeproxy-config.ts";
import { validateEndpointSlice } from "../../src/cluster/validate-endpoint-slice.ts";
import { validateEndpoints } from "../../src/cluster/validate-endpoints.ts";
import { validateNode } from "../../src/cluster/validate-node.ts";
import { serviceRefusal, validateService } from "../../src/cluster/validate-service.ts";
import {
  type FieldError,
  fieldErrorPlace,
  formatFieldError,
  formatFieldPath,
} from "../../src/cluster/validation/field-error.ts";
import type { Endpoints } from "../../src/manifest/endpoints.ts";
import type { EndpointSlice } from "../../src/manifest/endpointslice.ts";
import type { KubeProxyConfiguration } from "../../src/manifest/kubeproxy.ts";
import type { Node } from "../../src/manifest/node.ts";
import type { Service, ServiceSpec } from "../../src/manifest/service.ts";
import { recordsOf } from "./records.ts";

const label = fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,8}[a-z0-9])?$/);
const ipv4 = fc.tuple(fc.integer({ min: 1, max: 100 }), fc.nat(255), fc.nat(255), fc.nat(255)).map((o) => o.join("."));
const protocol = fc.constantFrom("TCP", "UDP", "SCTP");

/** Ports with different names and numbers, each field that has a default present or not. */
const ports = fc.uniqueArray(fc.integer({ min: 1, max: 65535 }), { minLength: 1, maxLength: 4 }).chain((numbers) =>
  fc.tuple(
    ...numbers.map((port, i) =>
      fc.record(
        {
          name: fc.constant(`p${i}`),
          port: fc.constant(port),
          protocol,
          targetPort: fc.constantFrom(0, "", 8080, "http"),
        },
        { requiredKeys: ["name", "port"] },
      ),
    ),
  ),
);

const common = {
  ports,
  selector: fc.dictionary(label, label, { maxKeys: 2 }),
  sessionAffinity: fc.constantFrom("", "None", "ClientIP"),
  sessionAffinityConfig: fc.constantFrom({}, { clientIP: {} }, { clientIP: { timeoutSeconds: 5 } }),
  internalTrafficPolicy: fc.constantFrom("Cluster", "Local"),
  trafficDistribution: fc.constantFrom("PreferClose", "PreferSameZone", "PreferSameNode"),
};
const reachable = {
  ...common,
  externalIPs: fc.array(ipv4, { maxLength: 2 }),
  externalTrafficPolicy: fc.constantFrom("", "Cluster", "Local"),
};

/** Specs that an API server accepts, one arbitrary a type. */
const validSpec: fc.Arbitrary<ServiceSpec> = fc.oneof(
  fc.record(
    { ...common, type: fc.constantFrom("", "ClusterIP"), clusterIP: fc.constantFrom("None", "") },
    { requiredKeys: ["ports"] },
  ),
  fc.record({ ...reachable, type: fc.constant("NodePort") }, { requiredKeys: ["ports", "type"] }),
  fc.record(
    {
      ...reachable,
      type: fc.constant("LoadBalancer"),
      allocateLoadBalancerNodePorts: fc.boolean(),
      loadBalancerSourceRanges: fc.constantFrom([], ["10.0.0.0/8"], [" fd00::/8 "]),
    },
    { requiredKeys: ["ports", "type"] },
  ),
  fc.record({ type: fc.constant("ExternalName"), externalName: fc.constantFrom("a.example", "b.example.") }),
);

const validService: fc.Arbitrary<Service> = fc.tuple(label, label, validSpec).map(([name, namespace, spec]) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name, namespace },
  spec,
}));

function law<T>(t: ExecutionContext, arbitrary: fc.Arbitrary<T>, holds: (value: T) => void): void {
  fc.assert(fc.property(arbitrary, holds), { numRuns: 400 });
  t.pass();
}

function equal(actual: unknown, expected: unknown): void {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== b) throw new Error(`is ${a}\nshould be ${b}`);
}

test("a valid Service is valid once defaulted", (t) => {
  law(t, validService, (service) => {
    const defaulted = defaultService(service);
    equal(validateService(defaulted).map(formatFieldError), []);
    equal(serviceRefusal(defaulted), []);
  });
});

test("what was defaulted is left alone: the very same object", (t) => {
  law(t, validService, (service) => {
    const once = defaultService(service);
    if (defaultService(once) !== once) throw new Error("a second run changes the Service");
  });
  for (const { id, object } of recordsOf("Service")) {
    const once = defaultService(object as Service);
    t.true(defaultService(once) === once, id);
  }
  for (const { id, object } of recordsOf("EndpointSlice")) {
    const once = defaultEndpointSlice(object as EndpointSlice);
    t.true(defaultEndpointSlice(once) === once, id);
  }
  for (const { id, object } of recordsOf("Endpoints")) {
    const once = defaultEndpoints(object as Endpoints);
    t.true(defaultEndpoints(once) === once, id);
  }
});

test("defaulting adds and never changes what counts", (t) => {
  law(t, validService, (service) => {
    const spec = defaultService(service).spec as Readonly<Record<string, unknown>>;
    for (const [key, value] of Object.entries(service.spec ?? {})) {
      const replaced = key === "ports" || key === "sessionAffinityConfig" || value === "";
      if (!replaced) equal(spec[key], value);
    }
  });
});

/** True when a path leads to a value of the object, or all but its last step does (or a whole section is missing). */
function leads(object: unknown, path: readonly (string | number)[]): boolean {
  let value = object;
  for (const [i, step] of path.entries()) {
    if (typeof value !== "object" || value === null) return false;
    const next = (value as Readonly<Record<string | number, unknown>>)[step];
    if (next === undefined) return i === path.length - 1 || (i === 0 && (step === "spec" || step === "detectLocal"));
    value = next;
  }
  return true;
}

/** Checks over all records that each finding has a place in the object as written. */
function placed(t: ExecutionContext, kind: string, find: (object: unknown) => readonly FieldError[]): void {
  for (const { id, object } of recordsOf(kind)) {
    for (const error of find(object)) {
      t.true(leads(object, fieldErrorPlace(error)), `${id}: ${formatFieldError(error)}`);
    }
  }
}

test("each finding has a place", (t) => {
  const full = (object: unknown): Service => defaultService(object as Service);
  placed(t, "Service", (object) => [...validateService(full(object)), ...serviceRefusal(full(object))]);
  placed(t, "EndpointSlice", (object) => validateEndpointSlice(defaultEndpointSlice(object as EndpointSlice)));
  placed(t, "Endpoints", (object) => validateEndpoints(defaultEndpoints(object as Endpoints)));
  placed(t, "Node", (object) => validateNode(object as Node));
  placed(
    t,
    "KubeProxyConfiguration",
    (object) => resolveKubeProxyConfig(object as KubeProxyConfiguration, { minor: 37 }).errors,
  );
});

test("all findings include a word on each field of the answer to a create", (t) => {
  const fields = (errors: readonly FieldError[]): readonly string[] => errors.map(({ path }) => formatFieldPath(path));
  for (const { id, object } of recordsOf("Service")) {
    const service = defaultService(object as Service);
    const all = new Set(fields(validateService(service)));
    const missing = fields(serviceRefusal(service)).filter((path) => !all.has(path));
    t.deepEqual(missing, [], id);
  }
});

test("a duration survives being written and read", (t) => {
  law(t, fc.bigInt({ min: -(2n ** 63n) + 1n, max: 2n ** 63n - 1n }), (nanoseconds) => {
    const parsed = parseDuration(formatDuration(nanoseconds));
    // Go's own fractions are floating point: exact up to 2^53 of the smallest unit, which seconds below a minute keep
    equal(parsed.ok ? String(parsed.nanoseconds) : parsed.error, String(nanoseconds));
  });
});

test("a configuration without errors, and only that, is resolved", (t) => {
  const word = fc.constantFrom("", "iptables", "ipvs", "nftables", "x");
  const duration = fc.constantFrom("0s", "1s", "-1s", "x", "1m", "0.5s");
  const periods = fc.record({ syncPeriod: duration, minSyncPeriod: duration }, { requiredKeys: [] });
  const addresses = fc.array(fc.constantFrom("primary", "all", "10.0.0.0/8", "x"), { maxLength: 3 });
  const written = fc.record(
    {
      mode: word,
      iptables: periods,
      ipvs: periods,
      nftables: periods,
      bindAddress: fc.constantFrom("::", "0.0.0.0", "y"),
      nodePortAddresses: addresses,
    },
    { requiredKeys: [] },
  );
  law(t, fc.tuple(written, fc.integer({ min: 18, max: 37 })), ([config, minor]) => {
    const resolved = resolveKubeProxyConfig(config, { minor });
    equal(resolved.config === undefined, resolved.errors.length > 0);
    const numbers = JSON.stringify(resolved.config ?? {});
    if (/NaN|null/.test(numbers)) throw new Error(numbers);
  });
});
