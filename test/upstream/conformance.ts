/**
 * Compares our compiler with records of the real kube-proxy: `npm run conformance:records [DIR …]`. Exits with 1 when
 * anything differs.
 */
import { fileURLToPath } from "node:url";
import { verifiedReleases } from "../../src/compile/iptables/traits.ts";
import { checkIptablesTexts } from "../rules/corpus.ts";
import { compareRecord } from "./compare.ts";
import { Coverage } from "./coverage.ts";
import { readRecords, recordFiles } from "./records.ts";

const SHOWN = 20;

const own = fileURLToPath(new URL("../../../test/upstream/records", import.meta.url));
const folders = process.argv.length > 2 ? process.argv.slice(2) : [own];
const coverage = new Coverage();
const failures: string[] = [];
let compared = 0;
let unmodelled = 0;

for (const file of folders.flatMap((folder) => recordFiles(folder, "iptables"))) {
  const records = readRecords(file);
  const known = verifiedReleases.some(({ minor }) => minor === records[0]?.minor);
  if (!known) {
    unmodelled += records.length;
    console.log(`${file}: ${records.length} records of a release that is not modelled`);
    continue;
  }
  let inFile = 0;
  let wrong = 0;
  for (const record of records) {
    const result = compareRecord(record);
    coverage.record(record, result.kinds);
    inFile += result.compared;
    wrong += result.failures.length;
    failures.push(...result.failures);
  }
  compared += inFile;
  console.log(`${file}: ${records.length} records, ${inFile} families compared, ${wrong} differences`);
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
for (const failure of failures.slice(0, SHOWN)) console.log(failure);
if (failures.length > SHOWN) console.log(`… and ${failures.length - SHOWN} more differences`);
if (unmodelled > 0) console.log(`${unmodelled} records of releases that are not modelled were not compared`);
console.log(`${compared - failures.length} passed, ${failures.length} failed`);
process.exitCode = failures.length > 0 || compared === 0 ? 1 : 0;
