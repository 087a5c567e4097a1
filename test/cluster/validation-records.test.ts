import test, { type ExecutionContext } from "ava";
import { defaultEndpointSlice, defaultEndpoints, defaultService } from "../../src/cluster/defaults.ts";
import { applyFlags } from "../../src/cluster/kubeproxy/apply-flags.ts";
import { formatDuration, parseDuration } from "../../src/cluster/kubeproxy/go-duration.ts";
import { type ResolvedConfig, resolveKubeProxyConfig } from "../../src/cluster/kubeproxy-config.ts";
import { serviceWarnings } from "../../src/cluster/service-warnings.ts";
import { validateEndpointSlice } from "../../src/cluster/validate-endpoint-slice.ts";
import { validateEndpoints } from "../../src/cluster/validate-endpoints.ts";
import { validateNode } from "../../src/cluster/validate-node.ts";
import { serviceRefusal } from "../../src/cluster/validate-service.ts";
import { validateServiceCreate } from "../../src/cluster/validate-service-create.ts";
import { validateServiceStatus } from "../../src/cluster/validate-service-status.ts";
import { type FieldError, formatFieldError } from "../../src/cluster/validation/field-error.ts";
import type { Endpoints } from "../../src/manifest/endpoints.ts";
import type { EndpointSlice } from "../../src/manifest/endpointslice.ts";
import type { KubeProxyConfiguration } from "../../src/manifest/kubeproxy.ts";
import type { Node } from "../../src/manifest/node.ts";
import type { Service } from "../../src/manifest/service.ts";
import { firstDifference, recordsOf, type ValidationRecord } from "./records.ts";

/** Compares every record of a kind and fails with all that differ, each shown by its first different line. */
function compare(
  t: ExecutionContext,
  kind: string,
  least: number,
  pick: (record: ValidationRecord) => readonly [actual: readonly string[], expected: readonly string[]] | undefined,
): void {
  const wrong: string[] = [];
  let compared = 0;
  for (const record of recordsOf(kind)) {
    const pair = pick(record);
    if (pair === undefined) continue;
    compared++;
    const difference = firstDifference(...pair);
    if (difference !== undefined) wrong.push(`${record.id}: ${difference}`);
  }
  t.true(compared >= least, `only ${compared} records`);
  if (wrong.length > 0) t.fail(`${wrong.length} of ${compared} differ\n${wrong.slice(0, 12).join("\n")}`);
}

function texts(errors: readonly FieldError[]): readonly string[] {
  return errors.map(formatFieldError);
}

function service(record: ValidationRecord): Service {
  return defaultService(record.object as Service);
}

test("ValidateServiceCreate: texts and order", (t) => {
  compare(t, "Service", 600, (r) => r.errors && [texts(validateServiceCreate(service(r))), r.errors]);
});

test("what a create of a Service answers", (t) => {
  compare(t, "Service", 600, (r) => {
    const refusal = texts(serviceRefusal(service(r)));
    if (r.internal !== undefined) {
      const text = r.internal.replace("Internal error occurred", "spec.healthCheckNodePort: Internal error");
      return [refusal, [text]];
    }
    const expected = r.refusal === "errors" ? r.errors : r.refusal;
    return expected && [refusal, expected];
  });
});

test("GetWarningsForService", (t) => {
  compare(t, "Service", 600, (r) => [serviceWarnings(service(r)), r.warnings ?? []]);
});

test("ValidateLoadBalancerStatus", (t) => {
  compare(t, "Service", 11, (r) => {
    if ((r.object as Service).status === undefined) return undefined;
    return [texts(validateServiceStatus(service(r))), r.status ?? []];
  });
});

/** A value as JSON lines with sorted keys, so that two of them can be compared line by line. */
function lines(value: unknown): readonly string[] {
  const sorted = (_: string, member: unknown): unknown =>
    typeof member === "object" && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member;
  return JSON.stringify(value, sorted, 1).split("\n");
}

/** What upstream's own writer leaves out: empty texts, zeros, false and empty lists. */
function dropEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(dropEmpty);
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).map(([key, member]) => [key, dropEmpty(member)] as const);
  return Object.fromEntries(
    kept.filter(([, member]) => {
      if (member === "" || member === 0 || member === null) return false;
      return typeof member !== "object" || Object.keys(member as object).length > 0;
    }),
  );
}

test("SetDefaults_Service", (t) => {
  compare(t, "Service", 600, (r) => {
    const { spec, status } = service(r);
    const actual = { spec, ...((r.object as Service).status && { status }) };
    return [lines(dropEmpty(actual)), lines(dropEmpty(r.defaulted))];
  });
});

test("EndpointSlice: defaults, texts and order", (t) => {
  compare(t, "EndpointSlice", 140, (r) => {
    const slice = defaultEndpointSlice(r.object as EndpointSlice);
    return r.errors && [texts(validateEndpointSlice(slice)), r.errors];
  });
  compare(t, "EndpointSlice", 140, (r) => {
    const { ports } = defaultEndpointSlice(r.object as EndpointSlice);
    return [lines({ ports: ports ?? null }), lines({ ...r.defaulted })];
  });
});

test("Endpoints: defaults, texts and order", (t) => {
  compare(t, "Endpoints", 38, (r) => {
    const endpoints = defaultEndpoints(r.object as Endpoints);
    return r.errors && [texts(validateEndpoints(endpoints)), r.errors];
  });
  compare(t, "Endpoints", 38, (r) => {
    const { subsets } = defaultEndpoints(r.object as Endpoints);
    return [lines(dropEmpty({ subsets })), lines(dropEmpty(r.defaulted))];
  });
});

test("Node: texts and order", (t) => {
  compare(t, "Node", 20, (r) => r.errors && [texts(validateNode(r.object as Node)), r.errors]);
});

type Go = Readonly<Record<string, unknown>>;

/** Our resolved configuration in the names and forms of kube-proxy's internal type. */
function asInternal(config: ResolvedConfig): Go {
  const time = (nanoseconds: number): string => formatDuration(BigInt(nanoseconds));
  const { conntrack, ipvs } = config;
  return {
    Mode: config.mode,
    BindAddress: config.bindAddress,
    HealthzBindAddress: config.healthzBindAddress,
    MetricsBindAddress: config.metricsBindAddress,
    BindAddressHardFail: config.bindAddressHardFail,
    EnableProfiling: config.enableProfiling,
    ShowHiddenMetricsForVersion: config.showHiddenMetricsForVersion,
    MasqueradeBit: config.masqueradeBit,
    LocalhostNodePorts: config.localhostNodePorts,
    MasqueradeAll: config.masqueradeAll,
    OOMScoreAdj: config.oomScoreAdj,
    SyncPeriod: time(config.syncPeriod),
    MinSyncPeriod: time(config.minSyncPeriod),
    ConfigSyncPeriod: time(config.configSyncPeriod),
    DetectLocalMode: config.detectLocalMode,
    BridgeInterface: config.bridgeInterface,
    InterfaceNamePrefix: config.interfaceNamePrefix,
    ClusterCIDRs: config.clusterCIDRs,
    NodePortAddresses: config.nodePortAddresses,
    Conntrack: {
      MaxPerCore: conntrack.maxPerCore,
      Min: conntrack.min,
      TCPEstablishedTimeout: time(conntrack.tcpEstablishedTimeout),
      TCPCloseWaitTimeout: time(conntrack.tcpCloseWaitTimeout),
      TCPBeLiberal: conntrack.tcpBeLiberal,
      UDPTimeout: time(conntrack.udpTimeout),
      UDPStreamTimeout: time(conntrack.udpStreamTimeout),
    },
    IPVS: {
      Scheduler: ipvs.scheduler,
      ExcludeCIDRs: ipvs.excludeCIDRs,
      StrictARP: ipvs.strictARP,
      TCPTimeout: time(ipvs.tcpTimeout),
      TCPFinTimeout: time(ipvs.tcpFinTimeout),
      UDPTimeout: time(ipvs.udpTimeout),
    },
  };
}

/** The recorded internal type with the members of its sections where `asInternal` has them. */
function flatten(go: Go): Go {
  const { Linux, IPTables, NFTables, DetectLocal, HostnameOverride: _host, IPVS, ...rest } = go;
  const linux = Linux as Go;
  const local = DetectLocal as Go;
  const ipvs = IPVS as Go;
  const bit = (go.Mode === "nftables" ? NFTables : IPTables) as Go;
  return {
    ...rest,
    ...linux,
    ...(IPTables as Go),
    ...bit,
    ...local,
    ClusterCIDRs: local.ClusterCIDRs ?? [],
    NodePortAddresses: go.NodePortAddresses ?? [],
    IPVS: { ...ipvs, ExcludeCIDRs: ipvs.ExcludeCIDRs ?? [] },
  };
}

test("KubeProxyConfiguration: texts and order", (t) => {
  compare(t, "KubeProxyConfiguration", 250, (r) => {
    const { errors } = resolveKubeProxyConfig(r.object as KubeProxyConfiguration, { minor: 37 });
    if (r.failure !== undefined) return [errors.map((e) => e.detail), [r.failure.replace("failed to decode: ", "")]];
    const host = r.internal === "empty hostname is invalid";
    const last = host ? [`hostnameOverride: Invalid value: "  ": ${r.internal}`] : [];
    return [texts(errors), [...(r.errors ?? []), ...last]];
  });
});

test("KubeProxyConfiguration: defaults and conversion", (t) => {
  compare(t, "KubeProxyConfiguration", 130, (r) => {
    if (r.errors?.length !== 0 || r.internal !== undefined || r.defaulted === undefined) return undefined;
    const { config } = resolveKubeProxyConfig(r.object as KubeProxyConfiguration, { minor: 37 });
    if (config === undefined) return [["no config"], ["config"]];
    // whole seconds stay exact, centuries with nanoseconds do not; the next test reads those
    if (!Number.isSafeInteger(config.configSyncPeriod)) return undefined;
    const actual = [...lines(asInternal(config)), config.hostnameOverride ?? ""];
    return [actual, [...lines(flatten(r.defaulted)), r.host ?? ""]];
  });
});

test("Go durations are read exactly", (t) => {
  compare(t, "KubeProxyConfiguration", 15, (r) => {
    const written = (r.object as KubeProxyConfiguration).configSyncPeriod;
    const recorded = r.defaulted?.ConfigSyncPeriod;
    const parsed = written === undefined ? undefined : parseDuration(written);
    if (parsed === undefined || recorded === undefined || recorded === "15m0s") return undefined;
    return [[parsed.ok ? formatDuration(parsed.nanoseconds) : parsed.error], [String(recorded)]];
  });
});

function flagValues(args: readonly string[]): Readonly<Record<string, string | boolean>> {
  return Object.fromEntries(args.map((arg) => (arg.includes("=") ? arg.split(/=(.*)/s).slice(0, 2) : [arg, true])));
}

test("flags: refused texts, checks and what they set", (t) => {
  compare(t, "flags", 38, (r) => {
    const { written, errors } = applyFlags({}, flagValues(r.args ?? []));
    const refused = r.failure ?? r.internal;
    if (refused !== undefined || errors.length > 0) {
      const expected = refused ?? (r.errors?.[0] ?? "").replace(/^.*: (must be)/, "$1");
      return [errors.map((error) => error.detail), [expected]];
    }
    const resolved = resolveKubeProxyConfig(written, { minor: 37 });
    if (resolved.config === undefined) return [texts(resolved.errors), r.errors ?? []];
    return [lines(asInternal(resolved.config)), lines(flatten(r.defaulted ?? {}))];
  });
});
