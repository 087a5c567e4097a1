import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import test from "ava";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const main = join(root, "dist/src/cli/rulewalk.js");

interface Run {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function golden(...args: readonly string[]): Run {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, "golden", ...args], {
    cwd: root,
    encoding: "utf8",
  });
  return { code: status, out: stdout, err: stderr };
}

/** A folder with copies of golden scenarios, which is removed afterwards. */
function withScenarios(names: readonly string[], use: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), "rulewalk-golden-"));
  try {
    for (const name of names) cpSync(join(root, "golden/scenarios", name), join(folder, name), { recursive: true });
    use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const DUMP = "dumps/1.37-iptables/worker-1/iptables.restore";

test("an edit is found by --check, named, and undone by writing", (t) => {
  withScenarios(["nodeport", "headless"], (folder) => {
    t.deepEqual(golden(folder, "--check"), { code: 0, out: "2 scenarios, 68 dumps: all as compiled\n", err: "" });
    const file = join(folder, "nodeport", DUMP);
    const before = readFileSync(file, "utf8");
    writeFileSync(file, before.replace("--to-destination 10.244.1.10:8080", "--to-destination 10.244.1.10:8081"));
    const { code, out, err } = golden(folder, "--check");
    t.is(code, 1);
    t.is(err, "");
    t.regex(out, new RegExp(`^${file}: table nat, chain KUBE-SEP-[A-Z0-9]{16}\n`));
    t.regex(out, /\n {4}- -A KUBE-SEP-.*10\.244\.1\.10:8081\n {4}\+ -A KUBE-SEP-.*10\.244\.1\.10:8080\n/);
    t.regex(out, /\n2 scenarios, 68 dumps: 1 difference\n$/);
    t.is(golden(folder).out, "2 scenarios, 68 dumps: 1 written, 0 removed\n");
    t.is(readFileSync(file, "utf8"), before);
  });
});

test("dumps that are missing are written, stale ones removed, files of others stay", (t) => {
  withScenarios(["headless"], (folder) => {
    const scenario = join(folder, "headless");
    rmSync(join(scenario, DUMP));
    const stale = join(scenario, "dumps/1.21-iptables/gone");
    mkdirSync(stale, { recursive: true });
    writeFileSync(join(stale, "iptables.save"), "");
    writeFileSync(join(scenario, "dumps/README.md"), "mine");
    const { code, out } = golden(scenario, "--check");
    t.is(code, 1);
    t.true(out.includes(`${scenario}/${DUMP}: missing\n`));
    t.true(out.includes(`${scenario}/dumps/1.21-iptables/gone/iptables.save: surplus`));
    t.is(golden(scenario).out, "1 scenario, 34 dumps: 1 written, 1 removed\n");
    t.false(existsSync(join(scenario, "dumps/1.21-iptables")));
    t.is(readFileSync(join(scenario, "dumps/README.md"), "utf8"), "mine");
    t.is(golden(scenario, "--check").code, 0);
  });
});

test("a faulty scenario does not keep the others from being checked", (t) => {
  withScenarios(["headless", "nodeport"], (folder) => {
    writeFileSync(join(folder, "headless/scenario.yaml"), "modes: [nftables]\nvalidate: x\n");
    writeFileSync(join(folder, "nodeport", DUMP), "");
    const { code, out, err } = golden(folder, "--check");
    t.is(code, 2);
    t.is(err.match(/headless\/scenario\.yaml:\d+:\d+: /g)?.length, 2);
    t.regex(out, /2 scenarios, 34 dumps: 1 difference, 1 faulty scenario\n$/);
    t.is(golden(folder).code, 2);
    t.true(existsSync(join(folder, "headless", DUMP)));
  });
});

test("a link in place of the dumps is not followed", (t) => {
  withScenarios(["headless"], (folder) => {
    const [dumps, elsewhere] = [join(folder, "headless/dumps"), join(folder, "elsewhere")];
    renameSync(dumps, elsewhere);
    symlinkSync(elsewhere, dumps);
    const { code, err } = golden(join(folder, "headless"));
    t.is(code, 2);
    t.regex(err, /headless\/dumps: expected a folder of dumps/);
    t.notRegex(err, /\n {4}at /);
  });
});

/** Arguments → what stderr must say, with exit code 2 and no stack. */
const mistakes: readonly (readonly [readonly string[], RegExp])[] = [
  [["nowhere"], /nowhere: no such file or folder/],
  [["src"], /src: no scenario: neither a file cluster\.yaml nor a folder with one/],
  [
    ["--only", "nonsense"],
    /--only nonsense: no such scenario in golden\/scenarios; known are affinity-and-terminating, /,
  ],
  [["a", "b"], /too many arguments/],
  [["--chek"], /unknown option '--chek'/],
  [["package.json"], /package\.json: ENOTDIR/],
];
for (const [args, expected] of mistakes) {
  test(`slow: a mistake is told: golden ${args.join(" ")}`, (t) => {
    const { code, out, err } = golden(...args);
    t.is(code, 2);
    t.is(out, "");
    t.regex(err, expected);
    t.notRegex(err, /\n {4}at /);
  });
}
