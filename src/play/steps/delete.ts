import { suggest } from "../../cluster/suggest.ts";
import { listOf, type Schema, string } from "../../manifest/schema.ts";
import { changeStory } from "../change-story.ts";
import { stayingPods } from "../extra-pods.ts";
import { type Bucket, bucketNames, isSliceOf, objectKey, withoutEndpointsOf, withoutObjects } from "../objects.ts";
import type { Scene } from "../scene.ts";
import { type ScriptPath, StepFault, type StepKind, stepKind, told } from "../step.ts";

const WORDS: ReadonlyMap<string, Bucket> = new Map([
  ...["service", "services", "svc"].map((word) => [word, "services"] as const),
  ...["endpointslice", "endpointslices"].map((word) => [word, "endpointSlices"] as const),
  ...["pod", "pods", "po"].map((word) => [word, "pods"] as const),
  ...["node", "nodes", "no"].map((word) => [word, "nodes"] as const),
]);

/** `svc/shop/api`, or several. */
const schema: Schema = {
  check: (value, walk) => (Array.isArray(value) ? listOf(string).check(value, walk) : string.check(value, walk)),
  zero: () => "",
};

interface Target {
  readonly bucket: Bucket;
  readonly key: string;
}

function readTarget(text: string, namespace: string): Target | string {
  const [word = "", ...path] = text.split("/");
  const bucket = WORDS.get(word.toLowerCase());
  if (bucket === undefined) {
    const meant = suggest(word, [...WORDS.keys()]);
    return `${JSON.stringify(text)}: ${meant === undefined ? "expected KIND/NAMESPACE/NAME" : `did you mean ${meant}/…?`}`;
  }
  const { namespaced } = bucketNames[bucket];
  if (path.includes("") || path.length < 1 || path.length > (namespaced ? 2 : 1))
    return `${JSON.stringify(text)}: expected ${namespaced ? "KIND/NAMESPACE/NAME" : "node/NAME"}`;
  return { bucket, key: namespaced && path.length === 1 ? `${namespace}/${path[0]}` : path.join("/") };
}

/** The key of a target that exists, or a fault. */
function existing({ manifests }: Scene, { bucket, key }: Target, namespace: string, at: ScriptPath): void {
  const known = manifests[bucket].map((each) => objectKey(each, bucket, namespace));
  if (known.includes(key)) return;
  const meant = suggest(key, known);
  const hint = meant === undefined ? "" : `; did you mean ${JSON.stringify(meant)}?`;
  throw new StepFault(at, "no-such-object", `there is no ${bucketNames[bucket].word} ${key}${hint}`);
}

/**
 * `delete`: objects go; with a Service its EndpointSlices, with a Pod its endpoints, as their controllers see to. kube-proxy
 * syncs once, when all of that is done.
 */
export const remove: StepKind = stepKind<string | readonly string[]>("delete", schema, (value, { at, reading }) => {
  const list: readonly string[] = typeof value === "string" ? [value] : value;
  const placeOf = (i: number): ScriptPath => (typeof value === "string" ? at : [...at, i]);
  list.forEach((text, i) => {
    const target = readTarget(text, "default");
    if (typeof target === "string") reading.fault(placeOf(i), "no-such-object", target);
  });
  return (world) => {
    const namespace = world.settings.build.namespace ?? "default";
    let { manifests } = world.scene;
    let { extra } = world;
    const echo: string[] = [];
    list.forEach((text, i) => {
      const target = readTarget(text, namespace);
      if (typeof target === "string") return;
      existing({ ...world.scene, manifests }, target, namespace, placeOf(i));
      const pod =
        target.bucket !== "pods"
          ? undefined
          : manifests.pods.find((each) => objectKey(each, "pods", namespace) === target.key);
      manifests = withoutObjects(manifests, target.bucket, new Set([target.key]), namespace);
      echo.push(`${bucketNames[target.bucket].word} "${target.key.split("/").at(-1)}" deleted`);
      if (pod !== undefined) {
        const { after, count } = withoutEndpointsOf(manifests, pod.value, namespace);
        manifests = after;
        if (count > 0) echo.push(`and ${count === 1 ? "its endpoint" : `${count} endpoints of it`}`);
      }
      if (target.bucket !== "services") return;
      const slices = manifests.endpointSlices.filter((slice) => isSliceOf(slice, target.key, namespace));
      const keys = new Set(slices.map((slice) => objectKey(slice, "endpointSlices", namespace)));
      manifests = withoutObjects(manifests, "endpointSlices", keys, namespace);
      extra = stayingPods(slices, () => true, extra);
      if (keys.size > 0) echo.push(`and its ${keys.size} EndpointSlice${keys.size === 1 ? "" : "s"}; the Pods stay`);
    });
    const { lines, data, notes } = changeStory(world, world.change(manifests, at, extra));
    return told(list.join(" "), [...echo, ...lines], { objects: list, ...data }, notes);
  };
});
