import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Ajv2020 } from "ajv/dist/2020.js";
import test from "ava";
import { TRACE_VERSION } from "../../src/trace/json.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const schema = JSON.parse(readFileSync(join(root, "docs/trace.schema.json"), "utf8")) as {
  readonly properties: { readonly version: { readonly const: number } };
};
const validate = new Ajv2020({ allErrors: true, strict: true }).compile(schema);

function traced(args: readonly string[], input = ""): unknown {
  const main = join(root, "dist/src/cli/rulewalk.js");
  const { stdout } = spawnSync(process.execPath, [main, "trace", ...args, "-o", "json"], {
    cwd: root,
    input,
    encoding: "utf8",
  });
  return JSON.parse(stdout);
}

const SHOP = ["-f", "examples/shop"];
const scenario = (name: string): readonly string[] => ["-f", `golden/scenarios/${name}/cluster.yaml`];

/** Traces with every kind of end and event that examples have. */
const rows: readonly (readonly [string, readonly string[], string?])[] = [
  ["a node port over two nodes", [...SHOP, "--from", "203.0.113.9", "--to", "node/worker-1:30080"]],
  ["chance, from a process on a node", [...SHOP, "--node", "worker-1", "--to", "svc/kube-system/kube-dns:dns"]],
  ["a reject and its answer", [...SHOP, "--from", "10.244.1.10", "--to", "10.96.20.5:80"]],
  ["an INVALID packet", [...SHOP, "--from", "10.244.1.10", "--to", "svc/shop/api:http", "--ct", "invalid"]],
  ["a later packet", [...SHOP, "--from", "10.244.1.10", "--to", "svc/shop/api:http", "--ct", "established"]],
  ["nobody", [...SHOP, "--from", "203.0.113.9", "--to", "svc/shop/api:http"]],
  ["a reply that is not known", [...SHOP, "--from", "10.244.1.7", "--to", "8.8.8.8:443"]],
  ["ICMP", [...SHOP, "--from", "10.244.1.7", "--to", "10.244.2.10", "--proto", "icmp"]],
  [
    "a load balancer, counted",
    [
      ...scenario("loadbalancer-local-health-check"),
      "--from",
      "198.51.100.9",
      "--to",
      "203.0.113.7:80",
      "--count",
      "4",
    ],
  ],
  ["a policy that drops", ["--dump", "test/kernel/rulesets/docker.save", "--from", "10.0.0.5", "--to", "10.0.0.9:80"]],
  [
    "an unknown match",
    ["--dump", "-", "--from", "10.0.0.5", "--to", "10.0.0.9:80"],
    "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A FORWARD -m u32 --u32 0x0=0x1 -j DROP\nCOMMIT\n",
  ],
];
for (const [about, args, input] of rows)
  test(`slow: trace -o json is as its schema says: ${about}`, (t) => {
    const document = traced(args, input);
    t.true(validate(document), JSON.stringify(validate.errors?.slice(0, 3), null, 1));
  });

test("the schema's version is the program's", (t) => t.is(schema.properties.version.const, TRACE_VERSION));

test("slow: the schema refuses what it does not know", (t) => {
  const document = traced(rows[0]?.[1] ?? []) as Record<string, unknown>;
  t.false(validate({ ...document, more: 1 }));
  t.false(validate({ ...document, works: "maybe" }));
  const { verdict: _, ...less } = document;
  t.false(validate(less));
});
