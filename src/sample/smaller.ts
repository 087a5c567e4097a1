import type { SampleCluster, SampleObject } from "./cluster.ts";

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** Members without which an object is none, and those that an API server fills in: kube-proxy never misses them. */
const KEPT: ReadonlySet<string> = new Set([
  "apiVersion",
  "kind",
  "metadata",
  "name",
  "namespace",
  "type",
  "port",
  "protocol",
  "clientIP",
  "timeoutSeconds",
]);

/** Lists with a run of their elements left out: all, halves, quarters, … and single ones at the end. */
function* shorterLists<T>(list: readonly T[]): Iterable<readonly T[]> {
  for (let run = list.length; run >= 1; run = Math.floor(run / 2)) {
    for (let from = 0; from < list.length; from += run) {
      yield [...list.slice(0, from), ...list.slice(from + run)];
    }
  }
}

function* smallerMembers(value: { readonly [name: string]: Json }): Iterable<Json> {
  for (const [name, member] of Object.entries(value)) {
    const { [name]: _, ...rest } = value;
    if (!KEPT.has(name)) yield rest;
    for (const smaller of smallerValues(member)) yield { ...value, [name]: smaller };
  }
}

/** Values of the same kind with one thing less somewhere inside: an element, a run of elements, a member. */
function* smallerValues(value: Json): Iterable<Json> {
  if (Array.isArray(value)) {
    yield* shorterLists<Json>(value);
    for (const [i, element] of value.entries()) {
      for (const smaller of smallerValues(element as Json)) yield value.with(i, smaller);
    }
  } else if (typeof value === "object" && value !== null) {
    yield* smallerMembers(value as { readonly [name: string]: Json });
  }
}

function* smallerObjects({ objects, nodeName }: SampleCluster): Iterable<readonly SampleObject[]> {
  const isAsked = (object: SampleObject): boolean => object.kind === "Node" && object.metadata.name === nodeName;
  const asked = objects.filter(isAsked);
  for (const fewer of shorterLists(objects.filter((object) => !isAsked(object)))) yield [...asked, ...fewer];
  for (const [i, object] of objects.entries()) {
    for (const smaller of smallerValues(object as unknown as Json)) {
      yield objects.with(i, smaller as unknown as SampleObject);
    }
  }
}

/**
 * Samples with one thing less, the largest cuts first: Services, slices and Nodes, then what is in them, then settings
 * and facts of the host. The asked Node and the names of objects stay.
 */
export function* smallerSamples(sample: SampleCluster): Iterable<SampleCluster> {
  for (const objects of smallerObjects(sample)) yield { ...sample, objects };
  for (const config of smallerValues(sample.config as Json)) {
    yield { ...sample, config: config as SampleCluster["config"] };
  }
  for (const host of smallerValues(sample.host as Json)) yield { ...sample, host: host as SampleCluster["host"] };
}
