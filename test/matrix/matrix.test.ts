import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import test from "ava";
import type { EmulatedMode } from "../../src/assembly/node-rules.ts";
import { cellText } from "../../src/matrix/cell.ts";
import { matrixJSON } from "../../src/matrix/json.ts";
import { type Matrix, matrix } from "../../src/matrix/matrix.ts";
import { cellsAt, cellsText, differingCells } from "../../src/matrix/modes.ts";
import { matrixMarkdown, matrixText } from "../../src/matrix/text.ts";
import { expectedCell } from "./oracle.ts";
import { type MatrixPlace, matrixPlace } from "./place.ts";
import { policyCluster } from "./policies.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

function scenario(name: string, mode?: EmulatedMode): MatrixPlace {
  const files = ["cluster.yaml", "kube-proxy.yaml"].map((file) => join(ROOT, "golden/scenarios", name, file));
  return matrixPlace(
    files.filter((path) => existsSync(path)).map((path) => ({ name: path, text: readFileSync(path, "utf8") })),
    mode,
  );
}

function shop(): MatrixPlace {
  const folder = join(ROOT, "examples/shop");
  return matrixPlace(readdirSync(folder).map((name) => ({ name, text: readFileSync(join(folder, name), "utf8") })));
}

/** Every cell that differs from what is found without sharing anything. */
function differences({ place, sources }: MatrixPlace, { rows }: Matrix): string[] {
  return rows.flatMap(({ frontend, cells }) =>
    cells.flatMap((cell, i) => {
      const source = sources[i];
      const expected = source === undefined ? "" : expectedCell(place, frontend, source);
      const text = cellText(cell);
      return text === expected
        ? []
        : [`${frontend.service} ${frontend.text} from ${source?.kind} ${source?.node}: ${text}, not ${expected}`];
    }),
  );
}

for (const mode of ["iptables", "ipvs"] as const) {
  for (const name of readdirSync(join(ROOT, "golden/scenarios")).filter((each) => !each.includes(".")))
    test(`cells of ${name} are what the network says, ${mode}`, (t) => {
      const made = scenario(name, mode);
      t.deepEqual(differences(made, matrix(made.place, made.sources)), []);
    });

  test(`slow: cells of many Services of the same shapes are what the network says of each, ${mode}`, (t) => {
    const services = mode === "iptables" ? 200 : 60;
    const made = matrixPlace([{ name: "policies", text: policyCluster(services) }], mode);
    const found = matrix(made.place, made.sources);
    t.true(found.rows.length > 3 * services);
    t.deepEqual(differences(made, found), []);
  });
}

/**
 * Scenario, frontend, then the cells: Pods on worker-1 and worker-2, the nodes, outside by each, itself; `_` asks nothing.
 * By hand, from what the API promises and how routed Pod networks answer.
 */
const rows: readonly (readonly [name: string, address: string, cells: string])[] = [
  ["clusterip", "10.96.0.10:80", ". . . . - - S"],
  ["no-endpoints", "10.96.0.10:80", "R R R R - - _"],
  ["no-endpoints", "192.168.10.11:30080", "R R R R R _ _"],
  ["internal-local-none-here", "10.96.0.10:80", "X . X . - - S"],
  // a node port masquerades; its own node is its own source
  ["nodeport", "192.168.10.11:30080", "S S . S S _ S"],
  // Local: a Pod's packet may leave for any endpoint, and one on the Pod's own node answers it past the node that was called
  ["nodeport-local", "192.168.10.11:30080", ". !67% . . . _ S"],
  ["nodeport-local", "192.168.10.12:30080", "!33% . . . _ . S"],
  // only one range of the balancer's lets somebody in, and it holds no node and no client
  ["source-ranges", "203.0.113.7:80", "S S X X X X S"],
];

/** The same in ipvs mode, by hand from ipvs-mode §4 and §6.4. */
const ipvsRows: typeof rows = [
  ["clusterip", "10.96.0.10:80", ". . . . - - S"],
  ["no-endpoints", "10.96.0.10:80", "R R R R - - _"],
  ["no-endpoints", "192.168.10.11:30080", "R R R R R _ _"],
  // an empty virtual server says "port unreachable" where iptables mode drops
  ["internal-local-none-here", "10.96.0.10:80", "R . R . - - S"],
  ["nodeport", "192.168.10.11:30080", "S S . S S _ S"],
  // Local holds for Pods and nodes as well: nobody is sent to another node
  ["nodeport-local", "192.168.10.11:30080", ". . . . . _ S"],
  ["nodeport-local", "192.168.10.12:30080", ". . . . _ . S"],
  // without a local endpoint a remote one gets the packet with its source: only who replies by this node is answered, and an endpoint that
  // called is masqueraded by its own node, to which it was no Service's packet
  ["nodeport-local-none-here", "192.168.10.11:30080", ". ! . X ! _ !"],
  ["source-ranges", "203.0.113.7:80", "S S X X X X S"],
];

const handWritten = [
  ...rows.map((row) => ["iptables", ...row] as const),
  ...ipvsRows.map((row) => ["ipvs", ...row] as const),
];
for (const [mode, name, address, cells] of handWritten)
  test(`${mode} ${name} ${address}: ${cells}`, (t) => {
    const made = scenario(name, mode);
    const found = matrix(made.place, made.sources).rows.find(({ frontend }) => frontend.text === address);
    t.is((found?.cells ?? []).map((cell) => cellText(cell) || "_").join(" "), cells);
  });

test("health checks answer 200 where a Service has an endpoint", (t) => {
  const made = shop();
  const { health } = matrix(made.place, made.sources, { wanted: (service) => service === "shop/web" });
  const answers = [
    { node: "control-plane-1", status: 503 },
    { node: "worker-1", status: 200 },
    { node: "worker-2", status: 200 },
  ];
  t.deepEqual(health, [{ service: "shop/web", port: 32100, answers }]);
});

test("text keeps within its width, and all forms have every cell", (t) => {
  const made = shop();
  const found = matrix(made.place, made.sources);
  const width = 90;
  const text = [...matrixText(found, width)].join("");
  const long = text.split("\n").filter((line) => line.length > width);
  t.deepEqual(long, []);
  t.is(text.split("\n").filter((line) => line.startsWith("shop/api:http ")).length, text.split("itself").length);
  const markdown = [...matrixMarkdown(found)].join("").split("\n");
  const row = markdown.filter((line) => line.startsWith("|"));
  const columns = made.sources.length + 3;
  t.is(
    row.slice(0, found.rows.length + 2).filter((line) => line.split("|").length === columns + 2).length,
    found.rows.length + 2,
  );
  const json = JSON.parse(matrixJSON(found)) as { readonly rows: readonly { readonly cells: readonly unknown[] }[] };
  t.deepEqual(
    json.rows.map(({ cells }) => cells.length),
    found.rows.map(() => made.sources.length),
  );
});

test("with few columns nodes are called by their names", (t) => {
  const made = matrixPlace([{ name: "policies", text: policyCluster(3) }]);
  const text = [...matrixText(matrix(made.place, made.sources), 120)].join("");
  t.regex(text, /\ba +Pod on +node +outside, by +itself\n +n0 n1 n2 /);
});

/** Both matrices of a scenario, in one. */
function bothModes(name: string) {
  return (["iptables", "ipvs"] as const).map((mode) => {
    const made = scenario(name, mode);
    return { mode, matrix: matrix(made.place, made.sources) };
  });
}

test("cells of two modes: equal ones once, else both by hand", (t) => {
  const found = bothModes("nodeport-local");
  const at = (address: string): string => {
    const row = (found[0]?.matrix.rows ?? []).findIndex(({ frontend }) => frontend.text === address);
    return (found[0]?.matrix.sources ?? []).map((_, i) => cellsText(cellsAt(found, row, i)) || "_").join(" ");
  };
  t.is(at("192.168.10.11:30080"), ". ≠!67%/. . . . _ S");
  t.is(at("192.168.10.12:30080"), "≠!33%/. . . . _ . S");
  t.is(at("10.96.0.10:80"), ". . . . - - S");
});

test("all forms tell how many cells differ, and a mode has no difference from itself", (t) => {
  const found = bothModes("internal-local-none-here");
  // Pod and node of worker-1 get no answer in one mode and a refusal in the other, in both families
  const { cells, differing } = differingCells(found);
  t.is(differing, 4);
  const line = `4 of ${cells} cells differ between iptables and ipvs`;
  const text = [...matrixText(found, 120)].join("");
  t.true(text.startsWith(`${line}\n`));
  t.is(text.split("≠X/R").length - 1, 4);
  t.true(text.includes("≠X/. modes differ: X in iptables, . in ipvs\n"));
  t.true([...matrixMarkdown(found)].join("").startsWith(`${line}\n\n|`));
  const json = JSON.parse(matrixJSON(found));
  t.like(json, { version: 1, modes: ["iptables", "ipvs"], cells, differing: 4 });
  const odd = json.rows.flatMap((row: { readonly cells: readonly object[] }) =>
    row.cells.filter((cell) => !Array.isArray(cell)),
  );
  t.is(odd.length, 4);
  t.deepEqual(odd[0], {
    iptables: [{ letter: "X", probability: "1" }],
    ipvs: [{ letter: "R", probability: "1" }],
  });
  const [first] = found;
  if (first === undefined) return t.fail();
  t.is(differingCells([first, { ...first, mode: "again" }]).differing, 0);
  t.false([...matrixText([first, { ...first, mode: "again" }], 120)].join("").includes("≠"));
});

test("health checks answer the same in both modes, so they are told once", (t) => {
  const [left, right] = bothModes("loadbalancer-local-health-check");
  t.true((left?.matrix.health.length ?? 0) > 0);
  t.deepEqual(left?.matrix.health, right?.matrix.health);
});
