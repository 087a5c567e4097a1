import { type FoundAddress, findAddress } from "../assembly/find-address.ts";
import { suggest } from "../cluster/suggest.ts";
import type { IPFamily } from "../net/family.ts";
import { type ScriptPath, StepFault } from "./step.ts";
import type { World } from "./world.ts";

export type Found = Extract<FoundAddress, { kind: "found" }>;

/** The address that a text of a step names at this time of the play; a fault at its place where it names none. */
export function addressIn(world: World, text: string, at: ScriptPath, family?: IPFamily): Found {
  const { cluster, pods } = world.scene;
  const found = findAddress({ cluster, pods }, text, family);
  if (found.kind === "found") return found;
  throw new StepFault(at, found.code, found.message);
}

/** The node of that name, or a fault. */
export function nodeIn(world: World, name: string, at: ScriptPath): string {
  const { nodes } = world.scene.network;
  if (nodes.includes(name)) return name;
  throw new StepFault(at, "no-such-object", `there is no Node ${name}; known are ${nodes.join(", ")}`);
}

/** `NAMESPACE/NAME` of a Service that is written as `NAME`, `NAMESPACE/NAME` or `svc/NAMESPACE/NAME`, and exists now; else a fault. */
export function serviceIn({ scene, settings }: World, text: string, at: ScriptPath): string {
  const plain = text.replace(/^(?:svc|services?)\//, "");
  const key = plain.includes("/") ? plain : `${settings.build.namespace ?? "default"}/${plain}`;
  const known = scene.cluster.services.map(
    ({ value }) => `${value.metadata.namespace ?? ""}/${value.metadata.name ?? ""}`,
  );
  if (known.includes(key)) return key;
  const meant = suggest(key, known);
  const hint =
    meant === undefined ? `; known are ${known.slice(0, 8).join(", ")}` : `; did you mean ${JSON.stringify(meant)}?`;
  throw new StepFault(at, "no-such-object", `there is no Service ${key}${hint}`);
}
