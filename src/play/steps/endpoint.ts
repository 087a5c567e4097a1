import { findAddress } from "../../assembly/find-address.ts";
import type { Endpoint, EndpointConditions, EndpointSlice } from "../../manifest/endpointslice.ts";
import type { Located } from "../../manifest/object.ts";
import { object, string, textOf } from "../../manifest/schema.ts";
import { ipFamilies } from "../../net/family.ts";
import { canonicalIP, formatIP, parseIP } from "../../net/ip.ts";
import { textOf as addressText } from "../../network/addresses.ts";
import { serviceIn } from "../addresses.ts";
import { changeStory } from "../change-story.ts";
import { stayingPods } from "../extra-pods.ts";
import { isSliceOf } from "../objects.ts";
import type { ExtraPods } from "../scene.ts";
import { type ScriptPath, StepFault, type StepKind, stepKind, told } from "../step.ts";
import { labelled } from "../story.ts";
import type { World } from "../world.ts";

const VERBS = ["add", "remove", "ready", "unready", "terminating", "failing"] as const;
type Verb = (typeof VERBS)[number];

type Value = Readonly<Partial<Record<Verb, string>>> & {
  readonly of?: string;
  /** For `add`: where the Pod runs. */
  readonly node?: string;
  /** For `remove`: does the Pod itself stay? */
  readonly pod?: "stays" | "gone";
};

/** The conditions that the endpoint controller writes for each state of a Pod. */
const CONDITIONS: Readonly<Record<Exclude<Verb, "add" | "remove">, EndpointConditions>> = {
  ready: { ready: true, serving: true, terminating: false },
  unready: { ready: false, serving: false, terminating: false },
  terminating: { ready: false, serving: true, terminating: true },
  failing: { ready: false, serving: false, terminating: true },
};

const WORDS: Readonly<Record<Verb, string>> = {
  add: "is an endpoint now, ready",
  remove: "is no endpoint any more",
  ready: "is ready",
  unready: "is not ready",
  terminating: "is terminating, and still serving",
  failing: "is terminating, and serves no more",
};

/** All addresses of what is named: a Pod has one a family. */
function addressesOf(world: World, text: string, at: ScriptPath): readonly string[] {
  const { cluster, pods } = world.scene;
  const all = ipFamilies.map((family) => findAddress({ cluster, pods }, text, family));
  const found = all.flatMap((each) => (each.kind === "found" ? [addressText(each.address)] : []));
  const [fault] = all.flatMap((each) => (each.kind === "not-found" && each.code !== "other-family" ? [each] : []));
  if (found.length === 0 && fault !== undefined) throw new StepFault(at, fault.code, fault.message);
  return found;
}

/** Rewrites the endpoints of a slice that have one of the addresses; `undefined` takes one out. */
function rewrite(
  slice: Located<EndpointSlice>,
  addresses: ReadonlySet<string>,
  change: (endpoint: Endpoint) => Endpoint | undefined,
): Located<EndpointSlice> {
  const endpoints = (slice.value.endpoints ?? []).flatMap((endpoint) =>
    addresses.has(canonicalIP(endpoint.addresses?.[0] ?? "") ?? "") ? (change(endpoint) ?? []) : [endpoint],
  );
  return { ...slice, value: { ...slice.value, endpoints } };
}

function added(world: World, slices: readonly Located<EndpointSlice>[], text: string, value: Value, at: ScriptPath) {
  const ip = parseIP(text);
  if (ip === undefined) throw new StepFault([...at, "add"], "no-address", `${JSON.stringify(text)} is no address`);
  const target = slices.find((slice) => slice.value.addressType === ip.family);
  if (target === undefined)
    throw new StepFault(
      [...at, "of"],
      "no-slice",
      `Service ${value.of} has no ${ip.family} EndpointSlice to add ${text} to`,
    );
  const nodeName = value.node ?? world.scene.cluster.nodes[0]?.value.metadata.name;
  const endpoint: Endpoint = {
    addresses: [formatIP(ip)],
    conditions: CONDITIONS.ready,
    ...(nodeName === undefined ? {} : { nodeName }),
  };
  const endpoints = [...(target.value.endpoints ?? []), endpoint];
  return { target, replaced: { ...target, value: { ...target.value, endpoints } } };
}

function podWords(value: Value, known: boolean): string {
  if (value.remove === undefined) return "";
  if (known) return "; its Pod stays as long as the object does";
  return value.pod === "stays" ? "; its Pod stays" : "; its Pod is gone";
}

/** `endpoint`: one endpoint of a Service comes, goes, or changes its conditions, as the endpoint controller would write it. */
export const endpoint: StepKind = stepKind<Value>(
  "endpoint",
  object({
    ...Object.fromEntries(VERBS.map((verb) => [verb, string])),
    of: string,
    node: string,
    pod: textOf((text) => text === "stays" || text === "gone", "stays or gone"),
  }),
  (value, { at, reading }) => {
    const verbs = VERBS.filter((verb) => value[verb] !== undefined);
    if (verbs.length !== 1)
      reading.fault(
        at,
        "one-of",
        `exactly one of ${VERBS.join(", ")} is needed, found ${verbs.length === 0 ? "none" : verbs.join(", ")}`,
      );
    if (value.of === undefined)
      reading.fault(at, "missing-field", "Required value: of (NAMESPACE/NAME of the Service)");
    const verb = verbs[0] ?? "remove";
    const text = value[verb] ?? "";
    return (world) => {
      const { manifests } = world.scene;
      const service = serviceIn(world, value.of ?? "", [...at, "of"]);
      const namespace = world.settings.build.namespace ?? "default";
      const slices = manifests.endpointSlices.filter((slice) => isSliceOf(slice, service, namespace));
      const replaced = new Map<Located<EndpointSlice>, Located<EndpointSlice>>();
      let extra: ExtraPods = world.extra;
      let known = false;
      if (verb === "add") {
        const made = added(world, slices, text, value, at);
        replaced.set(made.target, made.replaced);
      } else {
        const addresses = new Set(addressesOf(world, text, [...at, verb]));
        const has = slices.some(({ value: { endpoints = [] } }) =>
          endpoints.some((each) => addresses.has(canonicalIP(each.addresses?.[0] ?? "") ?? "")),
        );
        if (!has) throw new StepFault([...at, verb], "no-such-endpoint", `${text} is no endpoint of ${service}`);
        for (const slice of slices)
          replaced.set(
            slice,
            rewrite(slice, addresses, (each) =>
              verb === "remove" ? undefined : { ...each, conditions: CONDITIONS[verb] },
            ),
          );
        known = manifests.pods.some(({ value: { status } }) => addresses.has(canonicalIP(status?.podIP ?? "") ?? ""));
        if (verb === "remove" && value.pod === "stays" && !known)
          extra = stayingPods(slices, (address) => addresses.has(address), world.extra);
      }
      const endpointSlices = manifests.endpointSlices.map((slice) => replaced.get(slice) ?? slice);
      const { lines, data, notes } = changeStory(world, world.change({ ...manifests, endpointSlices }, at, extra));
      const words = labelled("endpoint", `${text} of ${service} ${WORDS[verb]}${podWords(value, known)}`);
      return told(`${verb} ${text} of ${service}`, [words, ...lines], { [verb]: text, of: service, ...data }, notes);
    };
  },
);
