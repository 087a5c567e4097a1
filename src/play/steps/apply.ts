import { readManifests } from "../../manifest/read-manifests.ts";
import { anything, type Schema } from "../../manifest/schema.ts";
import type { Diagnostic, Source } from "../../text/diagnostic.ts";
import { renderDiagnostic } from "../../text/render.ts";
import { changeStory } from "../change-story.ts";
import { applyObjects, bucketNames } from "../objects.ts";
import { type ScriptPath, StepFault, type StepKind, stepKind, told } from "../step.ts";
import type { World } from "../world.ts";

/** A file or folder, a text of objects, or objects. */
const schema: Schema = { check: (value, walk) => anything.check(value, walk), zero: () => "" };

const nameOf = (at: ScriptPath): string => `script steps[${at[1]}].apply`;

/** The texts of what is applied; objects that stand in the script become a text of their own. */
function sourcesOf(value: unknown, world: World, at: ScriptPath): readonly Source[] {
  if (typeof value === "string" && !value.includes("\n")) return world.files.get(value) ?? [];
  if (typeof value === "string") return [{ name: nameOf(at), text: value }];
  const objects = Array.isArray(value) ? value : [value];
  return [{ name: nameOf(at), text: objects.map((object) => JSON.stringify(object, undefined, 1)).join("\n") }];
}

/** `apply`: objects are created, or take the place of those of the same name; kube-proxy syncs once. */
export const apply: StepKind = stepKind<unknown>("apply", schema, (value, { at, reading }) => {
  if (typeof value === "string" && !value.includes("\n")) reading.files.push({ path: at, file: value });
  else if (typeof value !== "string" && (typeof value !== "object" || value === null))
    reading.fault(at, "wrong-type", "Invalid value: expected a file, a folder, or objects");
  return (world) => {
    const errors: Diagnostic[] = [];
    const { validate, namespace = "default" } = world.settings.build;
    const given = readManifests(sourcesOf(value, world, at), { validate }, (each) => {
      if (each.severity === "error") errors.push(each);
    });
    if (errors.length > 0)
      throw new StepFault(
        at,
        "faulty-objects",
        `these objects cannot be read:\n${errors.map((each) => renderDiagnostic(each, { color: false })).join("\n")}`,
      );
    const { after, applied } = applyObjects(world.scene.manifests, given, namespace);
    const { lines, data, notes } = changeStory(world, world.change(after, at));
    const echo = applied.map(({ bucket, key, what }) => `${bucketNames[bucket].word}/${key.split("/").at(-1)} ${what}`);
    const unused = [
      ...given.skipped,
      ["Endpoints", given.endpoints.length] as const,
      ["Namespace", given.namespaces.length] as const,
      ["ConfigMap", given.configMaps.length] as const,
      // takes effect when kube-proxy starts anew, which a play does not have
      ["KubeProxyConfiguration", given.kubeProxyConfigurations.length] as const,
    ];
    const skipped = unused.filter(([, count]) => count > 0).map(([kind, count]) => `${kind} (${count}) passed over`);
    const title =
      typeof value === "string" && !value.includes("\n")
        ? value
        : `${applied.length} object${applied.length === 1 ? "" : "s"}`;
    return told(title, [...echo, ...skipped, ...lines], { applied, ...data }, notes);
  };
});
