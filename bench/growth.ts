/** `node growth.js FILE RUNS`: takes the objects of a file through all stages in this process; times go to stdout. */
import { readFileSync } from "node:fs";
import { timeStages } from "../src/cli/stage-times.ts";
import { subjectOf } from "./subject.ts";

const [file = "", runs = "3"] = process.argv.slice(2);
const subject = subjectOf(readFileSync(file, "utf8"));
// short stages are repeated until the just-in-time compiler has settled and the median with it
const repeats = { runs: Number(runs), enoughMs: 400, mostRuns: 400 };
process.stdout.write(JSON.stringify(timeStages(subject, repeats)));
