/** `node write-objects.js SERVICES ENDPOINTS FILE`: writes the plain cluster as `kubectl get -o json` prints it. */
import { writeFileSync } from "node:fs";
import { plainClusterJSON } from "../src/cli/plain-cluster.ts";

const [services, endpoints, file = ""] = process.argv.slice(2);
writeFileSync(file, plainClusterJSON(Number(services), Number(endpoints)));
