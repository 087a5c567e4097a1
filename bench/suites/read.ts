import { stringify } from "yaml";
import { plainCluster, plainClusterJSON } from "../../src/cli/plain-cluster.ts";
import { buildCluster } from "../../src/cluster/build.ts";
import type { Case, Suite } from "../measure.ts";
import { manifestsOf, refuse } from "../subject.ts";

const SERVICES = 1000;
const YAML_SERVICES = 20;
const ENDPOINTS = 10;

function cases(): readonly Case[] {
  const text = plainClusterJSON(SERVICES, ENDPOINTS);
  const yaml = plainCluster(YAML_SERVICES, ENDPOINTS)
    .map((object) => stringify(object))
    .join("---\n");
  const manifests = manifestsOf(text);
  const build = { validate: "strict", minor: 37 } as const;
  const json = { count: text.length, of: "byte" };
  return [
    { name: "JSON.parse alone", work: json, run: () => JSON.parse(text) as unknown },
    { name: "read JSON, strict", work: json, run: () => manifestsOf(text) },
    {
      name: "default, check, sort",
      work: { count: SERVICES, of: "Service" },
      run: () => buildCluster(manifests, build, refuse),
    },
    { name: "read YAML, strict", work: { count: yaml.length, of: "byte" }, run: () => manifestsOf(yaml) },
  ];
}

/** Reading objects, with what JSON.parse alone takes for the same text. */
export const read: Suite = { title: "Reading objects", cases };
