import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { SampleCluster } from "../../src/sample/cluster.ts";
import type { RecordedFamily } from "./records.ts";

const source = fileURLToPath(new URL("../../../test/upstream/oracle", import.meta.url));
const cache = fileURLToPath(new URL("../../../node_modules/.cache/rulewalk", import.meta.url));

/** What kube-proxy said to a cluster. */
export interface OracleAnswer {
  /** Its words when it does not start with this configuration. */
  readonly refused?: string;
  /** What went wrong in it, or in the program around it. */
  readonly failed?: string;
  /** By run and family (`ipv4`, `ipv6`): what its first full sync wrote; `ipvs`: what ipvs mode made of the node. */
  readonly runs?: readonly Readonly<Record<string, RecordedFamily>>[];
}

/** Something outside the project is missing; the message says what and how to get it. */
export class MissingTool extends Error {}

const HOW = "install Go 1.26 or later from https://go.dev/dl/ and put its bin folder into PATH";

function findGo(): string {
  const usual = ["go", "/usr/local/go/bin/go"];
  const found = usual.find((path) => spawnSync(path, ["version"]).status === 0);
  if (found === undefined)
    throw new MissingTool(`kube-proxy's own packages are compiled with Go, which is missing: ${HOW}`);
  return found;
}

/** Compiles the program unless the same sources were compiled before; gives its path. */
export function buildOracle(say: (text: string) => void): string {
  const hash = createHash("sha256");
  for (const name of readdirSync(source).sort()) hash.update(name).update(readFileSync(join(source, name)));
  const program = join(cache, `kube-proxy-oracle-${hash.digest("hex").slice(0, 12)}`);
  if (existsSync(program)) return program;
  const go = findGo();
  say("compiling kube-proxy's packages (the first time takes some minutes and 0.3 GB of downloads) …");
  mkdirSync(cache, { recursive: true });
  const built = spawnSync(go, ["build", "-o", `${program}.new`, "."], { cwd: source, encoding: "utf8" });
  if (built.status !== 0) {
    throw new MissingTool(
      `kube-proxy's packages could not be compiled (${HOW}; modules come from proxy.golang.org):\n${built.stderr}`,
    );
  }
  renameSync(`${program}.new`, program);
  return program;
}

/** The resident program. Questions may be asked ahead; answers come in their order. */
export class Oracle {
  private readonly child: ChildProcess;
  private readonly waiting: { resolve: (answer: OracleAnswer) => void; reject: (error: Error) => void }[] = [];
  private complaint = "";

  constructor(program: string) {
    this.child = spawn(program, [], { stdio: ["pipe", "pipe", "pipe"] });
    this.child.stderr?.on("data", (text: Buffer) => {
      this.complaint += text.toString();
    });
    this.child.on("close", (code) => {
      const error = new Error(`the program around kube-proxy ended with ${code}: ${this.complaint.slice(0, 2000)}`);
      for (const { reject } of this.waiting.splice(0)) reject(error);
    });
    const lines = createInterface({ input: this.child.stdout as NodeJS.ReadableStream });
    lines.on("line", (line) => this.waiting.shift()?.resolve(JSON.parse(line) as OracleAnswer));
  }

  /** Starts a fresh kube-proxy `times` times on the same cluster, in iptables mode or in another one. */
  ask({ objects, config, host, nodeName }: SampleCluster, times = 1, mode = ""): Promise<OracleAnswer> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject });
      this.child.stdin?.write(`${JSON.stringify({ objects, config, host, nodeName, times, mode })}\n`);
    });
  }

  close(): void {
    this.child.stdin?.end();
  }
}
