import test, { type ExecutionContext } from "ava";
import { defaultService } from "../../src/cluster/defaults.ts";
import { formatDuration, parseDuration } from "../../src/cluster/kubeproxy/go-duration.ts";
import { resolveKubeProxyConfig } from "../../src/cluster/kubeproxy-config.ts";
import { suggest } from "../../src/cluster/suggest.ts";
import { validateEndpointSlice } from "../../src/cluster/validate-endpoint-slice.ts";
import { nodePodCIDRs } from "../../src/cluster/validate-node.ts";
import { serviceRefusal, validateService } from "../../src/cluster/validate-service.ts";
import { fieldErrorPlace, formatFieldError, formatFieldPath } from "../../src/cluster/validation/field-error.ts";
import { goQuote } from "../../src/cluster/validation/go-text.ts";
import type { ValidationOptions } from "../../src/cluster/validation/options.ts";
import type { KubeProxyConfiguration } from "../../src/manifest/kubeproxy.ts";
import type { Service, ServiceSpec } from "../../src/manifest/service.ts";

function service(spec: ServiceSpec, name = "web"): Service {
  const metadata = { name, namespace: "shop" };
  return defaultService({ apiVersion: "v1", kind: "Service", metadata, spec: { ports: [{ port: 80 }], ...spec } });
}

function findings(t: ExecutionContext, given: Service, options: ValidationOptions, ...expected: string[]): void {
  t.deepEqual(validateService(given, options).map(formatFieldError), expected);
}

function places(t: ExecutionContext, given: Service, ...expected: string[]): void {
  t.deepEqual(
    validateService(given).map((error) => formatFieldPath(fieldErrorPlace(error))),
    expected,
  );
}

const LABEL_1035 =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";

test("a Service's name may begin with a digit from v1.36", (t) => {
  findings(t, service({}, "1web"), { minor: 36 });
  findings(t, service({}, "1web"), { minor: 35 }, `metadata.name: Invalid value: "1web": ${LABEL_1035}`);
});

test("odd addresses are refused from v1.36, and where asked for", (t) => {
  const odd = service({ type: "LoadBalancer", externalIPs: ["010.1.1.1"], loadBalancerSourceRanges: ["10.0.0.1/8"] });
  const refused = [
    'spec.externalIPs[0]: Invalid value: "010.1.1.1": must not have leading 0s',
    'spec.LoadBalancerSourceRanges[0]: Invalid value: "10.0.0.1/8": must not have bits set beyond the prefix length',
  ];
  findings(t, odd, { minor: 35 });
  findings(t, odd, { minor: 36 }, ...refused);
  findings(t, odd, { minor: 37, strictAddresses: false });
  findings(t, odd, { minor: 30, strictAddresses: true }, ...refused);
});

test("addresses of IPv6 slices are canonical from v1.33", (t) => {
  const metadata = { name: "web-1", namespace: "shop" };
  const endpoints = [{ addresses: ["FD00::1"] }];
  const slice = { apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", metadata, addressType: "IPv6", endpoints };
  const count = (options: ValidationOptions): number =>
    validateEndpointSlice({ ...slice, kind: "EndpointSlice" }, options).length;
  t.deepEqual([count({ minor: 32 }), count({ minor: 33 }), count({ strictAddresses: false })], [0, 1, 0]);
});

test("traffic distributions by release", (t) => {
  const words = (minor: number, value: string): readonly string[] =>
    validateService(service({ trafficDistribution: value }), { minor }).map((error) => error.detail);
  t.deepEqual(words(30, "x"), []);
  t.deepEqual(words(33, "PreferSameZone"), ['supported values: "PreferClose"']);
  t.deepEqual(words(34, "PreferSameZone"), []);
});

test("node ports: the range is an option, and all that leave it are told", (t) => {
  const ports = [
    { name: "a", port: 80, nodePort: 80 },
    { name: "b", port: 81, nodePort: 40000 },
    { name: "c", port: 82, nodePort: 30000 },
  ];
  const wide = { nodePortRange: { first: 80, last: 30000 } };
  const text = "provided port is not in the valid range. The range of valid ports is";
  findings(
    t,
    service({ type: "NodePort", ports }),
    {},
    `spec.ports[0].nodePort: Invalid value: 80: ${text} 30000-32767`,
    `spec.ports[1].nodePort: Invalid value: 40000: ${text} 30000-32767`,
  );
  findings(
    t,
    service({ type: "NodePort", ports }),
    wide,
    `spec.ports[1].nodePort: Invalid value: 40000: ${text} 80-30000`,
  );
  t.is(serviceRefusal(service({ type: "NodePort", ports })).length, 1);
});

test("the real place where the printed path is another", (t) => {
  places(
    t,
    service({ loadBalancerSourceRanges: ["x"] }),
    "spec.loadBalancerSourceRanges",
    "spec.loadBalancerSourceRanges[0]",
  );
  places(t, service({ clusterIP: "x" }), "spec.clusterIP");
  places(t, service({ clusterIP: "None", type: "NodePort" }), "spec.clusterIP");
  places(t, service({ selector: { "a b": "c" } }), "spec.selector.a b");
});

test("a Node's podCIDR and podCIDRs", (t) => {
  const made = (podCIDR: string, ...podCIDRs: string[]): readonly string[] =>
    nodePodCIDRs({ apiVersion: "v1", kind: "Node", metadata: { name: "a" }, spec: { podCIDR, podCIDRs } });
  t.deepEqual([made("a"), made("a", "a", "b"), made("a", "b", "c"), made("", "b")], [["a"], ["a", "b"], ["a"], ["b"]]);
});

/** A configuration's findings in a release, or the value of one resolved field. */
function errorsOf(written: KubeProxyConfiguration, minor: number): readonly string[] {
  return resolveKubeProxyConfig(written, { minor }).errors.map(formatFieldError);
}

test("nodePortAddresses by release", (t) => {
  const path = "KubeProxyConfiguration.NodePortAddresses";
  const list = (minor: number, ...nodePortAddresses: string[]): readonly string[] =>
    errorsOf({ nodePortAddresses }, minor);
  t.deepEqual(list(37, "primary", "10.0.0.0/8", "localhost", "all"), []);
  t.deepEqual(list(36, "primary"), []);
  t.deepEqual(list(31, "primary", "x"), [`${path}[0]: Invalid value: "primary": can't use both 'primary' and CIDRs`]);
  t.deepEqual(list(36, "10.0.0.0/8", "primary"), [
    `${path}[1]: Invalid value: "primary": can't use both 'primary' and CIDRs`,
  ]);
  t.deepEqual(list(36, "localhost"), [`${path}[0]: Invalid value: "localhost": must be a valid CIDR`]);
  t.deepEqual(list(30, "primary"), [`${path}[0]: Invalid value: "primary": must be a valid CIDR`]);
});

test("modes by release and gate", (t) => {
  const list = (known: string): readonly string[] => [
    `KubeProxyConfiguration.Mode.ProxyMode: Invalid value: "nftables": must be ${known} or blank (blank means the best-available proxy [currently iptables])`,
  ];
  t.deepEqual(errorsOf({ mode: "nftables" }, 28), list("iptables, ipvs"));
  t.deepEqual(errorsOf({ mode: "nftables" }, 30), list("iptables, ipvs"));
  t.deepEqual(errorsOf({ mode: "nftables", featureGates: { NFTablesProxyMode: true } }, 30), []);
  t.deepEqual(errorsOf({ mode: "nftables" }, 31), []);
  t.deepEqual(errorsOf({ mode: "ipvs", featureGates: { KubeProxyIPVS: false } }, 36), []);
});

test("clusterCIDR is checked in every mode up to v1.30, in ClusterCIDR mode from v1.31", (t) => {
  const written = { clusterCIDR: "x", detectLocalMode: "NodeCIDR" };
  t.is(errorsOf(written, 30).length, 1);
  t.is(errorsOf(written, 31).length, 0);
});

test("defaults that depend on mode and release", (t) => {
  const addresses = (mode: string, minor: number): readonly string[] | undefined =>
    resolveKubeProxyConfig({ mode }, { minor }).config?.nodePortAddresses;
  t.deepEqual(addresses("nftables", 37), ["primary"]);
  t.deepEqual(addresses("iptables", 37), []);
  const gate = (minor: number): boolean | undefined =>
    resolveKubeProxyConfig({}, { minor }).config?.featureGates.PreferSameTrafficDistribution;
  t.deepEqual([32, 33, 34, 37].map(gate), [undefined, false, true, true]);
  t.is(
    resolveKubeProxyConfig({ featureGates: { AllBeta: false } }, { minor: 34 }).config?.featureGates
      .PreferSameTrafficDistribution,
    false,
  );
});

test("what kube-proxy says at start", (t) => {
  const codes = (written: KubeProxyConfiguration, minor = 37): readonly string[] =>
    resolveKubeProxyConfig(written, { minor }).messages.map(({ code }) => code);
  t.deepEqual(codes({}), ["mode-defaulted", "node-port-addresses-unset"]);
  t.deepEqual(codes({}, 30), []);
  t.deepEqual(codes({ mode: "ipvs", nodePortAddresses: ["primary"] }), ["ipvs-deprecated"]);
  t.deepEqual(codes({ featureGates: { Foo: true }, nodePortAddresses: ["0.0.0.0/0"] }, 36), [
    "feature-gate-not-checked",
  ]);
});

test("a gate of which something is not known is named", (t) => {
  const said = (name: string, minor: number): readonly string[] =>
    resolveKubeProxyConfig({ mode: "nftables", featureGates: { [name]: true } }, { minor }).messages.map(
      (m) => m.message,
    );
  const start = (name: string): string => `the feature gate ${name} is taken as written; whether`;
  t.deepEqual(said("AllAlpha", 37), [`${start("AllAlpha")} the gates it depends on are in order was not checked`]);
  t.deepEqual(said("Foo", 36), [`${start("Foo")} kube-proxy v1.36 knows it was not checked`]);
  t.deepEqual(said("AllowServiceExternalIPs", 37), []);
});

const TYPES = ["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"];
const HINTS: readonly (readonly [string, readonly string[], string | undefined])[] = [
  ["LoadBlancer", TYPES, "LoadBalancer"],
  ["clusterip", TYPES, "ClusterIP"],
  ["Nodeport", TYPES, "NodePort"],
  ["RollinUpdate", ["Recreate", "RollingUpdate"], "RollingUpdate"],
  ["tcp", ["SCTP", "TCP", "UDP"], "TCP"],
  ["HTTP", ["SCTP", "TCP", "UDP"], undefined],
  ["Lcoal", ["Cluster", "Local"], "Local"],
  ["TDP", ["TCP", "UDP"], undefined],
  ["ClusterIP", TYPES, undefined],
  ["", TYPES, undefined],
  ["volumeClainTemplate", ["volumeClaimTemplates"], "volumeClaimTemplates"],
];

test("did you mean", (t) => {
  for (const [value, known, expected] of HINTS) t.is(suggest(value, known), expected, value);
});

// from Go's documentation of strconv.Quote and from the records
const QUOTES: readonly (readonly [string, string])[] = [
  ["a", '"a"'],
  ['say "hi"\\', '"say \\"hi\\"\\\\"'],
  ["\u0000\u0007\t\n\u007f", '"\\x00\\a\\t\\n\\x7f"'],
  ["\u00ad\u2028\ufeff", '"\\u00ad\\u2028\\ufeff"'],
  ["é☺😀", '"é☺😀"'],
  ["\u{e0001}", '"\\U000e0001"'],
  ["<&>", '"<&>"'],
];

test("Go's quotation", (t) => {
  for (const [text, expected] of QUOTES) t.is(goQuote(text), expected);
});

test("durations: text to nanoseconds and back", (t) => {
  const round = (text: string): string => {
    const parsed = parseDuration(text);
    return parsed.ok ? formatDuration(parsed.nanoseconds) : parsed.error;
  };
  t.deepEqual(["90m", "1.5s", "0", "-1h", "1500us"].map(round), ["1h30m0s", "1.5s", "0s", "-1h0m0s", "1.5ms"]);
});
