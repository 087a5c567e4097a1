import { runLaw } from "./law.ts";
import { modes } from "./place.ts";

/** `npm run fuzz:intent -- [FROM [TO [MINOR]]]`: the law of promises over the clusters of more seeds, in every mode. */
const [from = 0, to = 300, minor = 37] = process.argv.slice(2).map(Number);
for (const mode of modes) {
  const { counts, deviations, unexplained } = runLaw({ mode, minor, from, to, calls: 60 });
  console.log(
    `${mode}: ${counts.branches} ways, ${counts.unknown} with an unknown end, ${unexplained.length} unexplained`,
  );
  for (const [name, count] of deviations) console.log(`  ${count} ${name}`);
  for (const text of unexplained.slice(0, 20)) console.log(`  ${text}`);
  if (unexplained.length > 0) process.exitCode = 1;
}
