/** `node parse-file.js FILE`: reads iptables-save text from a file, all of it, and says how many lines it had. */
import { readFileSync } from "node:fs";
import { parseScript } from "../src/rules/iptables/parse.ts";

const { lines, broken } = parseScript(readFileSync(process.argv[2] ?? "", "utf8"));
if (broken.size > 0) throw new Error("the text has faults");
process.stdout.write(`${lines.length}\n`);
