import { type ChildProcess, spawn } from "node:child_process";
import { readlinkSync } from "node:fs";

/** What a script in a namespace did. */
export interface ScriptResult {
  /** Exit code; `null` when it was ended from outside, also by the time limit. */
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

const TIME_LIMIT = 30_000;

const HOST_NAMESPACE = process.platform === "linux" ? readlinkSync("/proc/self/ns/net") : "";

/** Ends the script at once when, for whatever reason, it finds itself in the machine's own network namespace. */
const GUARD = `[ "$(readlink /proc/self/ns/net)" != '${HOST_NAMESPACE}' ] || { echo "not in a namespace of its own" >&2; exit 99; }\n`;

const running = new Set<ChildProcess>();

/** Ends a script and what it started: it leads a process group of its own. */
function end(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // it has just ended by itself
  }
}

process.on("exit", () => {
  for (const child of running) end(child);
});
for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const) {
  process.on(signal, () => process.exit(code));
}

/**
 * Runs a shell script in a new network namespace that ends with it. Nothing in the machine's own namespace is touched;
 * `lockFile` stands in for xtables' lock, which is one file for all namespaces.
 */
export function runInNamespace(script: string, lockFile: string): Promise<ScriptResult> {
  return new Promise((resolve, reject) => {
    // the system's own tools before those of node_modules/.bin, which npm puts in front
    const path = `/usr/sbin:/sbin:/usr/bin:/bin:${process.env.PATH ?? ""}`;
    const child = spawn("unshare", ["--net", "sh", "-eu"], {
      detached: true,
      env: { PATH: path, LC_ALL: "C", XTABLES_LOCKFILE: lockFile },
    });
    running.add(child);
    const timer = setTimeout(() => end(child), TIME_LIMIT);
    let [out, err] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      out += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      err += text;
    });
    const done = (): void => {
      clearTimeout(timer);
      running.delete(child);
    };
    child.on("error", (error) => {
      done();
      reject(error);
    });
    child.on("close", (code) => {
      done();
      resolve({ code, out, err });
    });
    // a script that ended early closes its input; its exit code tells why
    child.stdin.on("error", () => undefined).end(GUARD + script);
  });
}
