import test from "ava";
import fc from "fast-check";
import type { PlayedStep } from "../../src/play/play.ts";
import { parseIPVSListing } from "../../src/rules/ipvs/parse-listing.ts";
import { formatEnd, formatKey } from "../../src/rules/ipvs/spelling.ts";
import { faultsOf, playSteps } from "./support.ts";

/** A change of one endpoint; `to` is what it then is. */
type State = "absent" | "ready" | "unready" | "terminating" | "failing";
type Deed =
  | { readonly kind: "endpoint"; readonly service: "web" | "dns"; readonly which: number; readonly to: State }
  | { readonly kind: "connect"; readonly to: "web:http" | "web:sctp" | "dns:dns" }
  | { readonly kind: "send" | "close" | "reset"; readonly which: number }
  | { readonly kind: "wait"; readonly time: string }
  | { readonly kind: "again" };

const ENDPOINTS = {
  web: [
    ["10.1.1.80", "one"],
    ["10.1.2.80", "two"],
    ["10.1.2.81", "two"],
  ],
  dns: [
    ["10.1.1.53", "one"],
    ["10.1.2.53", "two"],
    ["10.1.2.54", "two"],
  ],
} as const;
type ServiceName = keyof typeof ENDPOINTS;
const services = Object.keys(ENDPOINTS) as ServiceName[];

/** Virtual servers of node one, with the ports of their real servers. */
const SERVERS = [
  ["-t 10.96.0.80:80", "web", 8080],
  ["--sctp-service 10.96.0.80:90", "web", 9090],
  ["-u 10.96.0.10:53", "dns", 5353],
  ["-u 192.168.1.1:30053", "dns", 5353],
  // the overlay's address and the Pods' gateway
  ["-u 10.1.1.0:30053", "dns", 5353],
  ["-u 10.1.1.1:30053", "dns", 5353],
] as const;

const WEB = `  - delete: svc/web
  - apply: { apiVersion: v1, kind: Service, metadata: { name: web, namespace: default }, spec: { clusterIP: 10.96.0.80, clusterIPs: [10.96.0.80], ports: [{ name: http, port: 80 }, { name: sctp, port: 90, protocol: SCTP }] } }
  - apply: { apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: { name: web-1, namespace: default, labels: { kubernetes.io/service-name: web } }, addressType: IPv4, endpoints: [{ addresses: [10.1.1.80], nodeName: one }, { addresses: [10.1.2.80], nodeName: two }], ports: [{ name: http, port: 8080 }, { name: sctp, port: 9090, protocol: SCTP }] }
`;

const deed = (again: boolean): fc.Arbitrary<Deed> =>
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant("endpoint" as const),
        service: fc.constantFrom(...services),
        which: fc.nat(2),
        to: fc.constantFrom<State>("absent", "ready", "unready", "terminating", "terminating", "failing"),
      }),
    },
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant("connect" as const),
        to: fc.constantFrom<"web:http" | "web:sctp" | "dns:dns">("web:http", "web:http", "web:sctp", "dns:dns"),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constantFrom<"send" | "close" | "reset">("send", "close", "reset"),
        which: fc.nat(9),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant("wait" as const),
        time: fc.constantFrom("1s", "29s", "31s", "1m", "90s"),
      }),
    },
    { weight: again ? 2 : 0, arbitrary: fc.constant({ kind: "again" as const }) },
  );

/** What the objects say after a deed: written here by hand, and by nobody's code. */
class Model {
  readonly states = new Map<string, State>();
  readonly connections: string[] = [];

  constructor() {
    this.begin("web");
    this.begin("dns");
  }

  begin(service: ServiceName): void {
    for (const [i, [address]] of ENDPOINTS[service].entries()) this.states.set(address, i < 2 ? "ready" : "absent");
  }

  /** Ready ones; without any, those that terminate and serve. */
  wanted(service: ServiceName): readonly string[] {
    const of = (state: State): readonly string[] =>
      ENDPOINTS[service].map(([address]) => address).filter((address) => this.states.get(address) === state);
    return of("ready").length > 0 ? of("ready") : of("terminating");
  }

  /** The steps of a deed, and the objects as they are afterwards. */
  steps(each: Deed): string {
    switch (each.kind) {
      case "endpoint": {
        const { service, to } = each;
        const [address, node] = ENDPOINTS[service][each.which] ?? ENDPOINTS[service][0];
        const from = this.states.get(address);
        if (from === to) return "";
        this.states.set(address, to);
        if (to === "absent") return `  - endpoint: { remove: ${address}, of: ${service}, pod: stays }\n`;
        const added = from === "absent" ? `  - endpoint: { add: ${address}, of: ${service}, node: ${node} }\n` : "";
        return to === "ready" && added !== "" ? added : `${added}  - endpoint: { ${to}: ${address}, of: ${service} }\n`;
      }
      case "connect":
        this.connections.push(each.to);
        return `  - connect: { name: c${this.connections.length - 1}, from: 10.1.1.9, to: "svc/${each.to}" }\n`;
      case "wait":
        return `  - wait: ${each.time}\n`;
      case "again":
        this.begin("web");
        return WEB;
      default: {
        const which = this.connections.length === 0 ? 0 : each.which % this.connections.length;
        const to = this.connections[which];
        if (to === undefined || (to === "dns:dns" && each.kind !== "send")) return "";
        return `  - ${each.kind}: c${which}\n`;
      }
    }
  }
}

/** What the laws below are about has happened in every play. */
const FIRST: readonly Deed[] = [
  { kind: "connect", to: "web:http" },
  { kind: "connect", to: "web:http" },
  { kind: "endpoint", service: "web", which: 1, to: "terminating" },
  { kind: "send", which: 0 },
  { kind: "send", which: 1 },
];

const SHOW = "  - show: { ipvsadm-ln: one }\n";

/** `VIRTUAL REAL` → weight and connections, as a step shows them. */
function shown({ data }: PlayedStep): ReadonlyMap<string, { readonly weight: number; readonly count: number }> {
  const text = (data["ipvsadm-ln"] as readonly string[]).join("\n");
  const { table } = parseIPVSListing({ name: "shown", text }, ({ message }) => {
    throw new Error(message);
  });
  return new Map(
    table.virtualServers.flatMap(({ key, realServers }) =>
      realServers.map(({ address, port, weight, connections: { active, inactive } = { active: 0, inactive: 0 } }) => [
        `${formatKey(key)} ${formatEnd(address, port)}`,
        { weight, count: active + inactive },
      ]),
    ),
  );
}

/** What is wanted of node one's virtual servers, but for those of the Service that never changes. */
const wantedNow = (model: Model): readonly string[] =>
  SERVERS.flatMap(([server, service, port]) =>
    model.wanted(service).map((address) => `${server} ${address}:${port}`),
  ).sort();

const CART = "-t 10.96.0.90:80 ";
const withoutCart = (names: Iterable<string>): readonly string[] =>
  [...names].filter((name) => !name.startsWith(CART)).sort();

test("slow law: after any changes and enough time virtual servers are as if made from nothing", (t) => {
  fc.assert(
    fc.property(fc.array(deed(true), { minLength: 3, maxLength: 14 }), fc.nat(), (deeds, seed) => {
      const model = new Model();
      const steps = deeds.map((each) => model.steps(each)).join("");
      // longer than any connection lives on, and two minutes more
      const played = playSteps(`${steps}  - wait: 18m\n${SHOW}`, { mode: "ipvs", seed });
      t.deepEqual(faultsOf(played), []);
      const last = played.steps.at(-1);
      if (last === undefined) throw new Error("nothing was played");
      const servers = shown(last);
      t.deepEqual(withoutCart(servers.keys()), wantedNow(model), steps);
      for (const { weight, count } of servers.values()) t.deepEqual([weight, count], [1, 0], steps);
    }),
    { numRuns: 40 },
  );
});

test("slow law: what is wanted is there with weight 1, and what is not only as long as it has connections, of weight 0", (t) => {
  let waited = 0;
  fc.assert(
    fc.property(fc.array(deed(false), { minLength: 3, maxLength: 14 }), fc.nat(), (deeds, seed) => {
      const model = new Model();
      const wishes: (readonly string[])[] = [];
      const steps = [...FIRST, ...deeds]
        .map((each) => {
          const text = `${model.steps(each)}${SHOW}`;
          wishes.push(wantedNow(model));
          return text;
        })
        .join("");
      const played = playSteps(steps, { mode: "ipvs", seed });
      t.deepEqual(faultsOf(played), []);
      const shows = played.steps.filter(({ kind }) => kind === "show");
      shows.forEach((show, i) => {
        const wanted = new Set(wishes[i]);
        const servers = shown(show);
        for (const name of wanted) t.is(servers.get(name)?.weight, 1, `${name} in\n${steps}`);
        for (const [name, { weight }] of servers) {
          if (wanted.has(name) || name.startsWith(CART)) continue;
          t.true(name.startsWith("-t "), `${name} in\n${steps}`);
          t.is(weight, 0, `${name} in\n${steps}`);
          waited++;
        }
      });
    }),
    { numRuns: 40 },
  );
  t.true(waited > 0);
});

test("slow law: an open connection goes on as long as its real server is there, of whatever weight", (t) => {
  let quiescent = 0;
  fc.assert(
    fc.property(fc.array(deed(false), { minLength: 3, maxLength: 14 }), fc.nat(), (deeds, seed) => {
      const model = new Model();
      const steps = [...FIRST, ...deeds].map((each) => `${model.steps(each)}${SHOW}`).join("");
      const played = playSteps(steps, { mode: "ipvs", seed });
      t.deepEqual(faultsOf(played), []);
      const led = new Map<unknown, unknown>();
      let servers: ReturnType<typeof shown> = new Map();
      for (const step of played.steps) {
        const { kind, data, title } = step;
        if (kind === "show") servers = shown(step);
        const isPage = title.includes("10.96.0.80:80");
        if (kind === "connect" && isPage && data.status === "open") led.set(data.connection, data.endpoint);
        if (kind === "close" || kind === "reset") led.delete(data.connection);
        if (kind !== "send") continue;
        const endpoint = led.get(data.connection);
        const real = servers.get(`-t 10.96.0.80:80 ${String(endpoint)}`);
        if (endpoint === undefined || real === undefined) continue;
        t.deepEqual([data.result, data.endpoint, data.reply], ["delivered", endpoint, "as-called"], steps);
        if (real.weight === 0) quiescent++;
      }
    }),
    { numRuns: 60 },
  );
  t.true(quiescent > 0);
});
