/** `node load-file.js FILE`: loads iptables-save text, indexes it, and says how many tables it had. */
import { readFileSync } from "node:fs";
import { loadNode } from "./node.ts";

const { rules } = loadNode({ rules: readFileSync(process.argv[2] ?? "", "utf8") });
if (rules.IPv4.tables.size === 0) throw new Error("the text has no tables");
process.stdout.write(`${rules.IPv4.tables.size}\n`);
