import { diffSetting } from "../src/cli/diff-setting.ts";
import type { DiffSetting } from "../src/diff/compare-nodes.ts";
import { refuse } from "./subject.ts";

/** The node of the plain cluster that is compared: one in ten Services has an endpoint on it. */
export const DIFF_NODE = "node-0";

/** What `rulewalk diff -f OBJECTS --config CONFIG --node node-0` compares, both modes. Hosts are made when they are first asked for. */
export function diffSubject(objects: string, config: string): DiffSetting {
  const files = { filename: [objects], config, node: [DIFF_NODE] };
  const usual = { validate: "strict", kubeVersion: "1.37", family: "both", backend: "nft" } as const;
  const read = diffSetting({ ...files, ...usual }, {}, refuse);
  if (read === undefined) throw new Error("the objects of the benchmark are refused");
  return read.setting;
}
