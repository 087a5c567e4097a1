import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import test from "ava";
import { compileIptables } from "../../src/compile/iptables/compile.ts";
import type { IPFamily } from "../../src/net/family.ts";
import type { PortDecision, ProxyState } from "../../src/proxy/state.ts";
import type { Diagnostic } from "../../src/text/diagnostic.ts";
import { saveText } from "../../src/view/iptables-text.ts";
import { firstDifference } from "./compare.ts";
import { ourAnswer } from "./feed.ts";
import { readRecords, recordFiles } from "./records.ts";

const folder = fileURLToPath(new URL("../../../test/upstream", import.meta.url));
const FILE = /^v1\.(\d+)-(.*)\.(ipv4|ipv6)\.iptables-(nft|legacy)\.save$/;

const records = recordFiles(`${folder}/records`, "iptables").flatMap(readRecords);

/** Counters are what packets made them, dates what the clock said; everything else must be equal. */
function withoutCounters(text: string): string {
  return text.replace(/^(:\S+ \S+) \[\d+:\d+\]$/gm, "$1 [0:0]").replace(/^#.*\n/gm, "");
}

/** Where a service port's first rule stands in the file's nat KUBE-SERVICES chain: the order kube-proxy's map had that day. */
function mapOrder(text: string, nameString: string): number {
  const services = text.split("\n").filter((line) => line.startsWith("-A KUBE-SERVICES "));
  return services.findIndex((line) => line.includes(`--comment "${nameString} `));
}

function inMapOrder(state: ProxyState, text: string): ProxyState {
  const order = (decision: PortDecision): number => mapOrder(text, decision.port.nameString);
  return { ...state, ports: [...state.ports].sort((a, b) => order(a) - order(b)) };
}

const files = readdirSync(`${folder}/real`).filter((name) => name.endsWith(".save"));

test("there are files of the real iptables-save", (t) => t.is(files.length, 44));

for (const name of files) {
  test(`iptables-save printed the same: ${name}`, (t) => {
    const [, minor, scenario, family, backend] = FILE.exec(name) ?? [];
    const record = records.find((candidate) => candidate.minor === Number(minor) && candidate.name === scenario);
    if (record === undefined) return t.fail(`no record ${scenario}`);
    const ours = ourAnswer(record, (family === "ipv4" ? "IPv4" : "IPv6") satisfies IPFamily);
    const refused: Diagnostic[] = [];
    const real = withoutCounters(readFileSync(`${folder}/real/${name}`, "utf8"));
    const state = inMapOrder(ours.state, real);
    const text = saveText(state, compileIptables(state), backend as "nft" | "legacy", (diagnostic) => {
      refused.push(diagnostic);
    });
    t.deepEqual(refused, []);
    t.is(firstDifference(real, withoutCounters(text)), "");
  });
}
