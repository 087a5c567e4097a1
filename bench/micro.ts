/** `node micro.js SUITE SECONDS`: runs one suite in this process; its samples go to stdout as JSON. */
import { measure, type Suite } from "./measure.ts";
import { addresses } from "./suites/addresses.ts";
import { compile } from "./suites/compile.ts";
import { dataplane } from "./suites/dataplane.ts";
import { names } from "./suites/names.ts";
import { read } from "./suites/read.ts";
import { rules } from "./suites/rules.ts";

const suites: Readonly<Record<string, Suite>> = { names, addresses, read, compile, rules, dataplane };

const [name = "", seconds = "1"] = process.argv.slice(2);
const suite = suites[name];
if (suite === undefined) throw new Error(`no suite ${name}; there are ${Object.keys(suites).join(", ")}`);
process.stdout.write(JSON.stringify(measure(suite.cases(), Number(seconds))));
