import { readManifests } from "../src/manifest/read-manifests.ts";
import { objects } from "./cluster.ts";
import { measure, peakMegabytes, table } from "./measure.ts";

const SERVICES = 6_000;
const ENDPOINTS = 10;

/** The list as `kubectl get … -o json` prints it: indented by four blanks. */
const list = { apiVersion: "v1", kind: "List", items: objects(SERVICES, ENDPOINTS), metadata: { resourceVersion: "" } };
const text = JSON.stringify(list, undefined, 4);

function read(): number {
  const sources = [{ name: "cluster.json", text }];
  const { services, endpointSlices } = readManifests(sources, { validate: "strict" }, ({ message }) => {
    throw new Error(message);
  });
  return services.length + endpointSlices.length;
}

const found = measure({
  "JSON.parse of the same text": () => JSON.parse(text) as unknown,
  "read manifests, strict": read,
});
console.log(table(`read ${(text.length / 1e6).toFixed(1)} MB of kubectl get -o json`, found));
console.log(`  peak memory: ${peakMegabytes()} MB\n`);
