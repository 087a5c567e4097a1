/**
 * Compares our compiler with records of the real kube-proxy: `npm run conformance:records [DIR …]`, in iptables and in ipvs
 * mode. Exits with 1 when anything differs.
 */
import { fileURLToPath } from "node:url";
import { verifiedReleases } from "../../src/compile/iptables/traits.ts";
import { ipvsItemKinds, ipvsRuleKinds } from "../../src/compile/ipvs/provenance.ts";
import { verifiedIPVSReleases } from "../../src/compile/ipvs/traits.ts";
import type { Release } from "../../src/proxy/release.ts";
import { checkIptablesTexts } from "../rules/corpus.ts";
import { type Comparison, compareRecord } from "./compare.ts";
import { Coverage } from "./coverage.ts";
import { compareIPVSRecord } from "./ipvs-compare.ts";
import { type Recorded, readRecords, recordFiles } from "./records.ts";

const SHOWN = 20;

const own = fileURLToPath(new URL("../../../test/upstream/records", import.meta.url));
const folders = process.argv.length > 2 ? process.argv.slice(2) : [own];
const coverage = new Coverage();
const failures: string[] = [];
let compared = 0;
let unmodelled = 0;

/** Compares all records of a file. */
function compareFile(file: string, releases: readonly Release[], compare: (record: Recorded) => Comparison): void {
  const records = readRecords(file);
  const known = releases.some(({ minor }) => minor === records[0]?.minor);
  if (!known) {
    unmodelled += records.length;
    console.log(`${file}: ${records.length} records of a release that is not modelled`);
    return;
  }
  let inFile = 0;
  let wrong = 0;
  for (const record of records) {
    const result = compare(record);
    inFile += result.compared;
    wrong += result.failures.length;
    failures.push(...result.failures);
  }
  compared += inFile;
  console.log(`${file}: ${records.length} records, ${inFile} families compared, ${wrong} differences`);
}

for (const file of folders.flatMap((folder) => recordFiles(folder, "iptables"))) {
  compareFile(file, verifiedReleases, (record) => {
    const result = compareRecord(record);
    coverage.record(record, result.kinds);
    return result;
  });
}
const ipvsKinds = new Map<string, number>();
for (const file of folders.flatMap((folder) => recordFiles(folder, "ipvs"))) {
  compareFile(file, verifiedIPVSReleases, (record) => {
    const result = compareIPVSRecord(record);
    for (const kind of result.kinds) ipvsKinds.set(kind, (ipvsKinds.get(kind) ?? 0) + 1);
    return result;
  });
}

for (const folder of folders) {
  const laws = checkIptablesTexts(folder);
  console.log(
    `${folder}: ${laws.texts} iptables texts of ${laws.lines} lines and ${laws.commands} commands read and written, ` +
      `${laws.rules} rules understood, ${laws.rulesets} rule sets loaded, ${laws.differences.length} differences`,
  );
  compared += laws.texts;
  failures.push(...laws.differences);
}

console.log(coverage.table());
console.log("compared in ipvs mode, by kind:");
for (const kind of [...Object.keys(ipvsRuleKinds), ...Object.keys(ipvsItemKinds)]) {
  console.log(`  ${String(ipvsKinds.get(kind) ?? 0).padStart(7)}  ${kind}`);
}
for (const failure of failures.slice(0, SHOWN)) console.log(failure);
if (failures.length > SHOWN) console.log(`… and ${failures.length - SHOWN} more differences`);
if (unmodelled > 0) console.log(`${unmodelled} records of releases that are not modelled were not compared`);
console.log(`${compared - failures.length} passed, ${failures.length} failed`);
process.exitCode = failures.length > 0 || compared === 0 ? 1 : 0;
