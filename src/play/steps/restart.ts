import { string } from "../../manifest/schema.ts";
import { nodeIn } from "../addresses.ts";
import { changeStory } from "../change-story.ts";
import { restartProxy } from "../restart.ts";
import { type StepKind, stepKind, told } from "../step.ts";

/** `restart`: a node's kube-proxy starts anew, with what it finds in the kernel and nothing in its memory. */
export const restart: StepKind = stepKind<string>("restart", string, (value, { at }) => (world) => {
  const node = nodeIn(world, value, at);
  const { lines, data, notes } = changeStory(world, restartProxy(world, node));
  return told(`kube-proxy on ${node}`, lines, { node, ...data }, notes);
});
