import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { EmulatedMode } from "../../src/assembly/node-rules.ts";
import { configurationsIn } from "../../src/cluster/kubeproxy/written-config.ts";
import { type ResolvedConfig, resolveKubeProxyConfig } from "../../src/cluster/kubeproxy-config.ts";
import type { KubeProxyConfiguration } from "../../src/manifest/kubeproxy.ts";
import { readManifests } from "../../src/manifest/read-manifests.ts";
import { type Played, play } from "../../src/play/play.ts";
import { readScript } from "../../src/play/script.ts";
import { playText } from "../../src/play/text.ts";
import type { Diagnostic, Source } from "../../src/text/diagnostic.ts";

const ROOT: string = fileURLToPath(new URL("../../../", import.meta.url));

export interface PlayChoice {
  /** Minor number of the release. */
  readonly minor?: number;
  /** Instead of the script's. */
  readonly mode?: EmulatedMode;
  /** Settings of kube-proxy, instead of the cluster's. */
  readonly config?: KubeProxyConfiguration;
  readonly seed?: string | number;
}

function sourcesOf(path: string): readonly Source[] {
  const whole = join(ROOT, path);
  if (!statSync(whole).isDirectory()) return [{ name: path, text: readFileSync(whole, "utf8") }];
  const names = readdirSync(whole).filter((name) => name.endsWith(".yaml"));
  return names.map((name) => ({ name: `${path}/${name}`, text: readFileSync(join(whole, name), "utf8") }));
}

/** Plays a script; paths in it begin at its own folder, which is named from the project's root. */
export function playSource(source: Source, { minor = 37, seed, mode: asked, config: given }: PlayChoice = {}): Played {
  const found: Diagnostic[] = [];
  const report = (diagnostic: Diagnostic): void => {
    if (diagnostic.severity === "error") found.push(diagnostic);
  };
  const script = readScript(source, report);
  if (script === undefined) throw new Error(found.map(({ message }) => message).join("\n"));
  const beside = (path: string): string => join(dirname(source.name), path);
  const manifests = readManifests(
    script.cluster.flatMap((path) => sourcesOf(beside(path))),
    { validate: "strict" },
    report,
  );
  const release = { minor };
  const written = configurationsIn(manifests, report).at(-1);
  const { outsideRoutesPods, seed: own, mode: said } = script.options;
  const mode = asked ?? said ?? "iptables";
  const config = resolveKubeProxyConfig({ ...(given ?? written?.value), mode }, release).config as ResolvedConfig;
  const settings = {
    release,
    mode,
    config,
    written,
    build: { validate: "strict" as const, minor },
    backend: "nft" as const,
    seed: seed ?? own ?? 1,
    ...(outsideRoutesPods === undefined ? {} : { outsideRoutesPods }),
  };
  const files = new Map(script.files.map(({ file }) => [file, sourcesOf(beside(file))] as const));
  const played = play(script, { manifests, settings, files }, report);
  if (found.length > 0) throw new Error(found.map(({ message }) => message).join("\n"));
  return played;
}

/** Plays steps on the cluster of `test/play/cluster.yaml`. */
export function playSteps(steps: string, choice: PlayChoice = {}): Played {
  const text = `cluster: cluster.yaml\noptions: { outsideRoutesPods: false }\nsteps:\n${steps}`;
  return playSource({ name: "test/play/steps", text }, choice);
}

/** What the play says, without colours. */
export function textOf(played: Played): string {
  return [...playText(played, { strong: (text) => text })].join("");
}

/** Everything that was not as expected, and why the play ended early. */
export function faultsOf({ steps, fault }: Played): readonly string[] {
  return [...steps.flatMap(({ failures }) => failures), ...(fault === undefined ? [] : [fault.message])];
}
