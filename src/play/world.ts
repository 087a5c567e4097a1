import type { AssumingChooser } from "../kernel/chooser/seeded.ts";
import type { NetworkState } from "../network/network-state.ts";
import type { Source } from "../text/diagnostic.ts";
import type { Connection } from "./connection.ts";
import type { LivingIPVS } from "./living-ipvs.ts";
import type { ExtraPods, PlaySettings, Scene } from "./scene.ts";
import type { ScriptPath } from "./step.ts";
import type { Synced } from "./sync.ts";

/**
 * Everything that a play changes. The scene is made anew at each change of objects; the states of the hosts (connections,
 * `recent` lists, counters) live on.
 */
export interface World {
  readonly settings: PlaySettings;
  /** Sources of files that steps name. */
  readonly files: ReadonlyMap<string, readonly Source[]>;
  readonly state: NetworkState;
  /** The nodes' kube-proxies, in ipvs mode. */
  readonly living: LivingIPVS;
  /** Draws for the kernels; the whole play goes by one. */
  readonly chooser: AssumingChooser;
  readonly connections: Map<string, Connection>;
  /** Milliseconds since the play began. */
  now: number;
  scene: Scene;
  extra: ExtraPods;
  /** Makes a changed scene the present one, as kube-proxy on every node does. */
  readonly change: (manifests: Scene["manifests"], at: ScriptPath, extra?: ExtraPods) => Synced;
}
