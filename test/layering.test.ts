import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { createContext, runInContext } from "node:vm";
import test from "ava";
import { build } from "esbuild";

const root = fileURLToPath(new URL("../../", import.meta.url));
const src = join(root, "src");

/** Which folder of src/ may import which: one direction, nothing goes back up (ARCHITECTURE.md). */
const allowed: Readonly<Record<string, readonly string[]>> = {
  net: [],
  text: [],
  manifest: ["net", "text"],
  cluster: ["manifest", "net", "text"],
  intent: ["cluster", "manifest", "net"],
  proxy: ["cluster", "manifest", "net", "text"],
  rules: ["net", "text"],
  compile: ["net", "proxy", "rules", "text"],
  sample: ["manifest", "net"],
  kernel: ["net", "rules", "text"],
  pasted: ["net", "rules", "text"],
  dump: ["inspect", "kernel", "net", "pasted", "rules", "text"],
  network: ["cluster", "dump", "kernel", "manifest", "net", "proxy", "rules", "text"],
  inspect: ["net", "pasted", "rules", "text"],
  view: ["cluster", "compile", "manifest", "net", "proxy", "rules", "text"],
  golden: ["assembly", "cluster", "compile", "diff", "manifest", "net", "proxy", "rules", "text", "verify", "view"],
  assembly: [
    "cluster",
    "compile",
    "intent",
    "kernel",
    "manifest",
    "net",
    "network",
    "proxy",
    "rules",
    "text",
    "trace",
    "verify",
    "view",
  ],
  diff: ["assembly", "cluster", "kernel", "manifest", "net", "network", "text", "trace", "verify"],
  matrix: ["assembly", "cluster", "kernel", "manifest", "net", "network", "proxy", "text"],
  play: [
    "assembly",
    "cluster",
    "compile",
    "kernel",
    "manifest",
    "net",
    "network",
    "proxy",
    "rules",
    "text",
    "trace",
    "view",
  ],
  trace: ["inspect", "kernel", "net", "network", "rules", "text"],
  verify: ["intent", "kernel", "net", "network", "rules"],
  "index.ts": [
    "assembly",
    "cluster",
    "compile",
    "dump",
    "golden",
    "inspect",
    "kernel",
    "manifest",
    "matrix",
    "net",
    "network",
    "play",
    "proxy",
    "rules",
    "text",
    "trace",
    "view",
  ],
  cli: [
    "assembly",
    "cluster",
    "compile",
    "diff",
    "dump",
    "golden",
    "inspect",
    "intent",
    "kernel",
    "manifest",
    "matrix",
    "net",
    "network",
    "play",
    "proxy",
    "rules",
    "sample",
    "text",
    "trace",
    "verify",
    "view",
  ],
};

/** Packages a folder may use; only the command line sees Node. */
const packages: Readonly<Record<string, readonly string[]>> = {
  net: ["@noble/hashes"],
  manifest: ["yaml"],
  proxy: ["ip-cidr"],
  cli: ["commander", "yaml", "node:"],
};

const IMPORT = /^(?:import|export)\b[^"']*?\bfrom\s+"([^"]+)"|^import\s+"([^"]+)"|\bimport\(\s*"([^"]+)"/gm;

interface Import {
  readonly file: string;
  readonly line: number;
  readonly target: string;
}

function importsOf(file: string, text: string): Import[] {
  return [...text.matchAll(IMPORT)].map((match) => ({
    file,
    line: text.slice(0, match.index).split("\n").length,
    target: match[1] ?? match[2] ?? match[3] ?? "",
  }));
}

const folderOf = (path: string): string => path.split("/")[0] ?? "";

/** Violations as `file:line: what`, for the files of a tree given as path → text. */
function violations(files: ReadonlyMap<string, string>): string[] {
  const found: string[] = [];
  for (const [file, text] of files) {
    const from = folderOf(file);
    if (allowed[from] === undefined) found.push(`${file}: the folder ${from} is not in the table`);
    for (const { line, target } of importsOf(file, text)) {
      if (!target.startsWith(".")) {
        const known = (packages[from] ?? []).some(
          (name) => target === name || target.startsWith(name.endsWith(":") ? name : `${name}/`),
        );
        if (!known) found.push(`${file}:${line}: ${from} may not use ${target}`);
        continue;
      }
      const to = folderOf(normalize(join(dirname(file), target)));
      if (to !== from && !(allowed[from] ?? []).includes(to))
        found.push(`${file}:${line}: ${from} may not import ${to}`);
      if (!target.endsWith(".ts")) found.push(`${file}:${line}: imports end in .ts`);
    }
  }
  return found;
}

function sourceFiles(): Map<string, string> {
  const paths = readdirSync(src, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => join(entry.parentPath, entry.name));
  return new Map(paths.map((path) => [relative(src, path), readFileSync(path, "utf8")]));
}

test("imports go one way", (t) => {
  const files = sourceFiles();
  t.true(files.size > 50);
  t.deepEqual(violations(files), []);
});

const violationRows: readonly (readonly [string, string])[] = [
  ["net/ip.ts", 'import { x } from "../text/diagnostic.ts";'],
  ["rules/iptables/a.ts", 'import type { Service } from "../../manifest/service.ts";'],
  ["proxy/a.ts", 'import {\n  x,\n} from "../compile/iptables/compile.ts";'],
  ["proxy/a.ts", 'export { x } from "../view/summary.ts";'],
  ["cluster/a.ts", 'import { readFileSync } from "node:fs";'],
  ["manifest/a.ts", 'import { Command } from "commander";'],
  ["compile/a.ts", 'const x = await import("../cli/main.ts");'],
  ["view/a.ts", 'import "../cli/main.ts";'],
  ["net/a.ts", 'import { x } from "./ip.js";'],
  ["brandnew/a.ts", ""],
];
for (const [file, text] of violationRows) {
  test(`the layering test sees ${file}: ${text.split("\n")[0]}`, (t) =>
    t.is(violations(new Map([[file, text]])).length, 1));
}

/** The whole library on one small cluster, written against the bundle's global. */
const SCRIPT = `
  const found = [];
  const report = (diagnostic) => found.push(diagnostic.message);
  const source = { name: "page", text: input };
  const cluster = rulewalk.buildCluster(rulewalk.readManifests([source], { validate: "strict" }, report), { validate: "strict" }, report);
  const { config } = rulewalk.resolveKubeProxyConfig({ mode: "iptables" }, { minor: 37 });
  const host = { interfaces: [], nfacct: {}, conntrackTCPLiberal: false, randomFully: true };
  const node = rulewalk.nodeView(cluster.nodes[0].value);
  const state = rulewalk.proxyState(cluster, { release: { minor: 37 }, family: "IPv4", node, host, config });
  found.join() + rulewalk.compileIptablesText(state);
`;

const INPUT = `
apiVersion: v1
kind: Node
metadata: { name: a }
---
apiVersion: v1
kind: Service
metadata: { name: web, namespace: default }
spec: { clusterIP: 10.96.10.1, clusterIPs: [10.96.10.1], ports: [{ name: http, port: 80 }] }
`;

test("the library bundles for a browser without a shim, and works without anything of Node's", async (t) => {
  const result = await build({
    entryPoints: [join(src, "index.ts")],
    bundle: true,
    write: false,
    format: "iife",
    globalName: "rulewalk",
    platform: "browser",
    logLevel: "silent",
  });
  t.deepEqual([result.errors.length, result.warnings.length], [0, 0]);
  const page = createContext({ TextDecoder, TextEncoder, input: INPUT });
  const text = runInContext(`${result.outputFiles[0]?.text}\n${SCRIPT}`, page) as string;
  t.true(text.startsWith("*filter\n"), text.slice(0, 200));
  t.true(text.includes('-A KUBE-SERVICES -m comment --comment "default/web:http has no endpoints"'));
});
