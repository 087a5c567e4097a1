import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** A Python program that answers JSON requests, a line each; what it made in the kernel ends with it, and it ends with this process. */
export class PythonProgram {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  #errors = "";

  /** `lockFile` stands in for xtables' lock, which is one file for all namespaces. */
  constructor(path: string, lockFile: string) {
    // the system's own tools first: npm puts node_modules/.bin in front, where an `nft` is that is no nft
    const search = `/usr/sbin:/sbin:/usr/bin:/bin:${process.env.PATH ?? ""}`;
    const env = { PATH: search, LC_ALL: "C", XTABLES_LOCKFILE: lockFile };
    this.#child = spawn("python3", ["-B", path], { env, stdio: ["pipe", "pipe", "pipe"] });
    running.add(this.#child);
    this.#child.on("error", (error) => {
      this.#errors += error.message;
    });
    this.#child.on("close", () => running.delete(this.#child));
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#errors += text;
    });
    this.#child.stdin?.on("error", () => undefined);
    const input = this.#child.stdout;
    if (input === null) throw new Error("the namespace program has no output");
    this.#lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })[Symbol.asyncIterator]();
  }

  /** The answer to a request. Throws what it says went wrong. */
  async ask(request: object): Promise<unknown> {
    this.#child.stdin?.write(`${JSON.stringify(request)}\n`);
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error(`the namespace program ended: ${this.#errors.trim()}`);
    const answer = JSON.parse(value) as { readonly error?: string };
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer;
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.on("close", resolve));
    this.#child.stdin?.end();
    if (this.#child.exitCode === null) await ended;
  }
}
