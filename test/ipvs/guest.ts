import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";

const running = new Set<Guest>();
process.on("exit", () => {
  for (const guest of running) guest.kill();
});
// a signal ends a process without its exit being told
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));

const PROGRAMS = ["linux.uml", "python3", "modprobe", "ip", "ipset", "ipvsadm", "iptables-legacy-restore"] as const;
const PACKAGES = "user-mode-linux kmod iproute2 ipset ipvsadm iptables python3";
const MODULES = "/usr/lib/uml/modules";
const SEARCH = `/usr/sbin:/sbin:/usr/bin:/bin:${process.env.PATH ?? ""}`;

/** What this machine lacks for a guest, each in words. */
export function missingForGuest(): readonly string[] {
  if (process.platform !== "linux") return ["Linux"];
  const missing: string[] = [];
  if (process.getuid?.() !== 0) missing.push("root");
  for (const program of PROGRAMS) {
    const found = spawnSync("sh", ["-c", `command -v ${program}`], { env: { PATH: SEARCH } });
    if (found.status !== 0) missing.push(`${program} (apt-get install -y ${PACKAGES})`);
  }
  if (!existsSync(MODULES)) missing.push(`${MODULES} (apt-get install -y user-mode-linux)`);
  return missing;
}

/** A User-Mode Linux guest whose first process is guest.py; it ends with this process. */
export class Guest {
  readonly #folder: string;
  readonly #child: ChildProcess;
  readonly #bell: Duplex;
  #console = "";
  #ended = false;
  #ring: (() => void) | undefined;

  /** `script`: the path of guest.py. */
  constructor(script: string) {
    const shared = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
    this.#folder = mkdtempSync(join(shared, "rulewalk-ipvs-"));
    const [release = ""] = readdirSync(MODULES);
    if (release === "") throw new Error(`${MODULES} holds no modules`);
    const kernel = ["mem=512M", "rootfstype=hostfs", "root=/dev/root", "ro", "quiet", "con=null", "con0=null,fd:1"];
    const place = ["ssl=null", "ssl0=fd:3", "umid=guest", `uml_dir=${this.#folder}/`, "init=/usr/bin/python3"];
    this.#child = spawn("linux.uml", [...kernel, ...place, "--", "-B", script, this.#folder, MODULES], {
      env: { PATH: SEARCH, TMPDIR: this.#folder, HOME: "/" },
      stdio: ["ignore", "pipe", "pipe", "pipe"],
      detached: true,
    });
    running.add(this);
    const hear = (text: string): void => {
      this.#console = `${this.#console}${text}`.slice(-4000);
    };
    this.#child.stdout?.setEncoding("utf8").on("data", hear);
    this.#child.stderr?.setEncoding("utf8").on("data", hear);
    this.#child.on("error", (error) => hear(error.message));
    this.#child.on("close", () => {
      this.#ended = true;
      this.#ring?.();
    });
    this.#bell = this.#child.stdio[3] as Duplex;
    this.#bell.on("error", () => undefined);
    this.#bell.on("data", () => this.#ring?.());
  }

  /** Waits until the guest rings. */
  async #rung(what: string, milliseconds: number): Promise<void> {
    if (this.#ended) throw new Error(`${what}: the guest ended: ${this.#console}`);
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${what}: no answer: ${this.#console}`)), milliseconds);
      this.#ring = () => {
        clearTimeout(timer);
        this.#ring = undefined;
        if (this.#ended) reject(new Error(`${what}: the guest ended: ${this.#console}`));
        else resolve();
      };
    });
  }

  /** Waits until the guest has booted. */
  async boot(): Promise<void> {
    await this.#rung("boot", 60_000);
  }

  /** The answers to requests, one each. Throws what one of them says went wrong. */
  async ask(requests: readonly object[]): Promise<readonly unknown[]> {
    writeFileSync(join(this.#folder, "requests"), `${requests.map((each) => JSON.stringify(each)).join("\n")}\n`);
    const rung = this.#rung("request", 300_000);
    this.#bell.write("r");
    await rung;
    const lines = readFileSync(join(this.#folder, "answers"), "utf8").trimEnd().split("\n");
    return lines.map((line, i) => {
      const answer = JSON.parse(line) as { readonly error?: string };
      if (answer.error !== undefined) throw new Error(`${JSON.stringify(requests[i]).slice(0, 300)}: ${answer.error}`);
      return answer;
    });
  }

  /** Turns the guest off. */
  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      if (this.#ended) resolve();
      else this.#child.on("close", () => resolve());
    });
    this.#bell.write("q");
    const timer = setTimeout(() => this.kill(), 10_000);
    await closed;
    clearTimeout(timer);
    this.#clean();
  }

  #clean(): void {
    running.delete(this);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Ends the guest with all of its processes, which are a group of their own. */
  kill(): void {
    if (!this.#ended && this.#child.pid !== undefined) {
      try {
        process.kill(-this.#child.pid, "SIGKILL");
      } catch {
        // it is gone already
      }
    }
    this.#clean();
  }
}
