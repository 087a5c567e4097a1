import { findAddress } from "../assembly/find-address.ts";
import { seededChooser } from "../kernel/chooser/seeded.ts";
import { locate } from "../manifest/locate.ts";
import { fieldPath } from "../manifest/path.ts";
import type { Manifests } from "../manifest/read-manifests.ts";
import type { IPAddress } from "../net/ip.ts";
import { NetworkState } from "../network/network-state.ts";
import type { Diagnostic, Report, Source } from "../text/diagnostic.ts";
import { placeColumn } from "../text/position.ts";
import { renderDiagnostic } from "../text/render.ts";
import type { LivingIPVS } from "./living-ipvs.ts";
import { type ExtraPods, makeScene, type PlaySettings, type Scene } from "./scene.ts";
import type { PreparedStep, Script } from "./script.ts";
import { type ScriptPath, StepFault, type Told } from "./step.ts";
import { sync } from "./sync.ts";
import type { World } from "./world.ts";

/** What a script is played with. */
export interface PlayInput {
  readonly manifests: Manifests;
  readonly settings: PlaySettings;
  /** The texts of files that steps name, by the names that stand in the script. */
  readonly files: ReadonlyMap<string, readonly Source[]>;
}

/** One step that was played. */
export interface PlayedStep extends Told {
  /** From 1. */
  readonly number: number;
  readonly kind: string;
  /** Line of the script where it stands. */
  readonly line: number;
  /** Milliseconds since the play began, before the step. */
  readonly at: number;
}

/** A play from its beginning to its end, or to the step that could not be done. */
export interface Played {
  readonly script: string;
  readonly nodes: number;
  readonly services: number;
  readonly settings: PlaySettings;
  readonly steps: readonly PlayedStep[];
  readonly failures: number;
  /** Why the play ended early. */
  readonly fault?: Diagnostic;
}

/** Passes each finding on once, however often the cluster is built. */
function once(report: Report): Report {
  const told = new Set<string>();
  return (diagnostic) => {
    const key = `${diagnostic.code} ${diagnostic.message}`;
    if (told.has(key)) return;
    told.add(key);
    report(diagnostic);
  };
}

/** Clients' addresses that are written as such, as those that are asked about. */
function writtenAddresses({ addresses }: Script, { cluster, pods }: Scene): readonly IPAddress[] {
  return addresses.flatMap((text): IPAddress[] => {
    const found = findAddress({ cluster, pods }, text);
    if (found.kind !== "found") return [];
    const { address } = found;
    return [typeof address === "number" ? { family: "IPv4", value: address } : { family: "IPv6", words: address }];
  });
}

/** Builds scenes; objects that the API server would refuse are a fault of the step that brings them. */
function sceneMaker(settings: PlaySettings, living: LivingIPVS, report: Report) {
  return (manifests: Manifests, extra: ExtraPods, at: ScriptPath): Scene => {
    const errors: Diagnostic[] = [];
    let building = true;
    const scene = makeScene(manifests, extra, settings, living, (diagnostic) => {
      // a packet on its way to a Node that is gone: the step tells of it
      if (!building && diagnostic.code === "no-such-node") return;
      if (building && diagnostic.severity === "error") errors.push(diagnostic);
      else report(diagnostic);
    });
    building = false;
    if (errors.length === 0) return scene;
    const texts = errors.map((each) => renderDiagnostic(each, { color: false }));
    throw new StepFault(at, "refused-objects", `the API server refuses these objects:\n${texts.join("\n")}`);
  };
}

function makeWorld(script: Script, { manifests, settings, files }: PlayInput, report: Report): World {
  const living: LivingIPVS = { proxies: new Map(), started: new Map() };
  const make = sceneMaker(settings, living, once(report));
  const none: ExtraPods = { addresses: [], pods: [] };
  const first = make(manifests, none, ["cluster"]);
  const extra = { addresses: writtenAddresses(script, first), pods: [] };
  const world: World = {
    settings,
    files,
    state: new NetworkState(),
    living,
    chooser: seededChooser(settings.seed),
    connections: new Map(),
    now: 0,
    scene: extra.addresses.length === 0 ? first : make(manifests, extra, ["cluster"]),
    extra,
    change: (next, at, more = world.extra) => {
      const before = world.scene;
      const scene = make(next, more, at);
      world.scene = scene;
      world.extra = more;
      return sync(before, scene, world);
    },
  };
  for (const node of world.scene.network.nodes) {
    world.state.of(node);
    living.started.set(node, 0);
  }
  return world;
}

function lineOf({ origin }: Script, path: ScriptPath): number {
  const { source, offset } = locate(origin, path);
  return placeColumn(source, offset).line;
}

function faultOf({ origin }: Script, { path, code, message }: StepFault): Diagnostic {
  return { severity: "error", code, message, field: fieldPath(path), place: locate(origin, path) };
}

function playStep(script: Script, world: World, step: PreparedStep, index: number): PlayedStep {
  const at = world.now;
  return { ...step.run(world), number: index + 1, kind: step.kind, line: lineOf(script, step.at), at };
}

/**
 * Plays a script: packets walk through the hosts of the cluster, whose states live on from step to step; every change of
 * objects reaches kube-proxy on all nodes at once, which writes its rules and cleans up connections as its release does. The same
 * input gives the same play. Assumptions about hosts are reported once. A step that cannot be done ends the play.
 */
export function play(script: Script, input: PlayInput, report: Report): Played {
  const steps: PlayedStep[] = [];
  const result = (world: World | undefined, fault?: Diagnostic): Played => ({
    script: script.origin.source.name,
    nodes: world?.scene.network.nodes.length ?? 0,
    services: world?.scene.cluster.services.length ?? 0,
    settings: input.settings,
    steps,
    failures: steps.reduce((sum, { failures }) => sum + failures.length, 0),
    ...(fault === undefined ? {} : { fault }),
  });
  let world: World | undefined;
  try {
    world = makeWorld(script, input, report);
    for (const [index, step] of script.steps.entries()) steps.push(playStep(script, world, step, index));
    return result(world);
  } catch (error) {
    if (error instanceof StepFault) return result(world, faultOf(script, error));
    throw error;
  }
}
