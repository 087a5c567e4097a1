import { compileIptables, compileIptablesText } from "../../src/compile/iptables/compile.ts";
import { proxyState } from "../../src/proxy/state.ts";
import { formatScript } from "../../src/rules/iptables/format.ts";
import type { Case, Suite } from "../measure.ts";
import { clusterOf, options, sha256 } from "../subject.ts";

const SERVICES = 1000;
const ENDPOINTS = 10;

function cases(): readonly Case[] {
  const cluster = clusterOf(SERVICES, ENDPOINTS);
  const state = proxyState(cluster, options);
  const { restore } = compileIptables(state, { sha256 });
  const hashed: string[] = [];
  const remember = (input: string): string => {
    hashed.push(input);
    return sha256(input);
  };
  const text = compileIptablesText(state, { sha256: remember });
  const lines = text.split("\n");
  const floor = (): number => {
    let kept = 0;
    for (const input of hashed) kept += sha256(input).length;
    const joined = lines.join("\n");
    return kept + joined.charCodeAt(joined.length - 1);
  };
  const work = { count: SERVICES, of: "Service" };
  return [
    { name: "floor: hash the same names, join the same lines", work, run: floor },
    { name: "decide", work, run: () => proxyState(cluster, options) },
    { name: "restore text at once", work, run: () => compileIptablesText(state, { sha256 }) },
    { name: "tree with origins", work, run: () => compileIptables(state, { sha256 }) },
    { name: "write the tree", work, run: () => formatScript(restore) },
  ];
}

/** From a cluster to restore text; the floor does only what no compiler can leave out. */
export const compile: Suite = { title: "Deciding and compiling", cases };
