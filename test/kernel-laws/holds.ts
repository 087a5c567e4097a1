import fc from "fast-check";
import type { Host } from "../../src/kernel/host.ts";
import { packetText } from "../../src/kernel/packet-text.ts";
import { restoreText } from "../arbitrary/loose-ruleset.ts";
import { type Move, type Scene, type SceneOptions, sceneHost, scenes } from "../arbitrary/scene.ts";

/** Says how a law is broken by packets that come to a host one after the other; `undefined` when it holds. */
export type Law = (host: Host, moves: readonly Move[], scene: Scene) => string | undefined;

function sceneText({ rules, moves, damage }: Scene): string {
  const packets = moves.map(({ wait, step }) => {
    const how = step.from === undefined ? `sent, mark ${step.mark}` : `in ${step.from}`;
    return `after ${wait} ms ${how}: ${packetText(step.packet)} ttl ${step.packet.ttl}`;
  });
  const host = damage === undefined ? [] : [`a damaged host: ${damage}`];
  return [...host, restoreText(rules), ...packets].join("\n");
}

/** Looks for a scene that breaks a law; the smallest one as text with the seed that replays it, or `undefined`. */
export function counterexample(law: Law, options: SceneOptions, numRuns: number): string | undefined {
  const check = (scene: Scene): void => {
    const broken = law(sceneHost(scene), scene.moves, scene);
    if (broken !== undefined) throw new Error(broken);
  };
  const {
    failed,
    counterexample: found,
    seed,
    counterexamplePath,
    errorInstance,
  } = fc.check(fc.property(scenes(options), check), { numRuns });
  if (!failed) return undefined;
  const scene = found?.[0];
  return `${errorInstance}\nseed ${seed}, path ${counterexamplePath}\n${scene === undefined ? "" : sceneText(scene)}`;
}
