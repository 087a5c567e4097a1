import type { IPVSTable } from "../rules/ipvs/model.ts";
import { proxyOn } from "./living-ipvs.ts";
import { type ScriptPath, StepFault } from "./step.ts";
import type { World } from "./world.ts";

/** What a node's ip_vs is configured as at this time of the play; a fault where kube-proxy does not use it. */
export function ipvsTableOf({ settings, living, scene }: World, node: string, at: ScriptPath): IPVSTable {
  if (settings.mode === "ipvs") return proxyOn(living, scene, node).node.table;
  throw new StepFault(at, "no-ipvs", `${node} has no virtual servers: kube-proxy runs in ${settings.mode} mode`);
}
