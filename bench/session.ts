import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { StageRun } from "../src/cli/stage-times.ts";
import { runRulewalk, runScript, runScriptMeasured, type Usage } from "./child.ts";
import { environment } from "./environment.ts";
import type { CaseSamples } from "./measure.ts";
import { CLUSTER_CIDR, DATAPLANE_ENDPOINTS, ENDPOINTS, type Plan } from "./plan.ts";
import { probe } from "./probe.ts";
import type { DataplaneTimes, DiffTimes, KernelRun, Measurement, ProcessRun, Results } from "./results.ts";

type Header = Omit<Measurement, "runs">;

/** One run of the bench: collects measurements, with the probe around every process. */
class Session {
  readonly #plan: Plan;
  readonly #log: (line: string) => void;
  readonly #probes: number[] = [];
  readonly #found = new Map<string, { readonly header: Header; readonly runs: ProcessRun[] }>();
  readonly #files = new Map<string, string>();
  readonly #leftOut: string[] = [];
  readonly #folder: string;

  constructor(plan: Plan, log: (line: string) => void, folder: string) {
    this.#plan = plan;
    this.#log = log;
    this.#folder = folder;
  }

  run(): Results {
    const start = environment();
    probe(); // the first one also warms it up
    this.#probes.push(probe());
    const { groups, quick } = this.#plan;
    if (groups.includes("micro")) this.#micro();
    if (groups.includes("growth")) this.#growth();
    if (groups.includes("diff")) this.#diff();
    if (groups.includes("dataplane")) this.#dataplane();
    if (groups.includes("pipeline")) this.#pipelines();
    const measurements = [...this.#found.values()].map(({ header, runs }) => ({ ...header, runs }));
    const leftOut = [...new Set(this.#leftOut)];
    return { format: 1, quick, environment: start, probes: this.#probes, measurements, leftOut };
  }

  /** Runs one process between two probes; `take` gets what it gave and the mean of the two. */
  #process<T>(title: string, run: () => T, take: (value: T, probe: number) => void): void {
    this.#log(title);
    const before = this.#probes.at(-1) as number;
    const value = run();
    const after = probe();
    this.#probes.push(after);
    take(value, (before + after) / 2);
  }

  #add(header: Header, run: ProcessRun): void {
    const known = this.#found.get(header.id);
    if (known === undefined) this.#found.set(header.id, { header, runs: [run] });
    else known.runs.push(run);
  }

  #micro(): void {
    const { suites, micro } = this.#plan;
    // all suites once, then all again: what disturbs the machine for a while does not hit all processes of one suite
    for (let i = 0; i < micro.processes; i++) {
      for (const suite of suites) {
        const run = (): string => runScript("micro.js", suite, String(micro.seconds));
        this.#process(`micro ${suite}`, run, (output, probe) => {
          for (const { name, work, samples } of JSON.parse(output) as readonly CaseSamples[]) {
            this.#add({ id: `micro/${suite}/${name}`, group: "micro", unit: "ms", work }, { probe, samples });
          }
        });
      }
    }
  }

  #growth(): void {
    const { processes, sizes } = this.#plan.growth;
    for (let i = 0; i < processes; i++) {
      for (const { services, runs } of sizes) {
        const file = this.#objects(services);
        // one more, as the first run of a stage is left out
        const run = (): string => runScript("growth.js", file, String(runs + 1));
        this.#process(`growth ${services} Services`, run, (output, probe) => {
          for (const { stage, samples } of (JSON.parse(output) as StageRun).times) {
            const work = { count: services, of: "Service" };
            const header: Header = { id: `growth/${stage}/${services}`, group: "growth", unit: "ms", work };
            this.#add(header, { probe, samples: samples.slice(1) });
          }
        });
      }
    }
  }

  #diff(): void {
    const { processes, services: sizes } = this.#plan.diff;
    for (let i = 0; i < processes; i++) {
      for (const services of sizes) {
        const files = [this.#objects(services), this.#configuration()];
        const run = () => runScriptMeasured("diff.js", ...files);
        this.#process(`diff ${services} Services`, run, ({ usage, printed }, probe) => {
          const stages = JSON.parse(printed) as readonly DiffTimes[];
          const add = (stage: string, cost: string, unit: Header["unit"], sample: number): void => {
            const work = { count: services, of: "Service" };
            this.#add(
              { id: `diff/${stage}/${services}/${cost}`, group: "diff", unit, work },
              { probe, samples: [sample] },
            );
          };
          for (const { stage, wallMs, cpuMs } of [...stages, { stage: "whole process", ...usage }]) {
            add(stage, "wall", "ms", wallMs);
            add(stage, "cpu", "ms", cpuMs);
          }
          add("whole process", "memory", "MB", usage.peakMB);
        });
      }
    }
  }

  #dataplane(): void {
    const { processes, sizes, kernel, kernelPackets } = this.#plan.dataplane;
    for (let i = 0; i < processes; i++) {
      for (const { services, runs } of sizes) {
        const ofMode = {
          iptables: () => [this.#dataplaneDump(services)],
          ipvs: () => ["save", "ipvsadm", "ipset"].map((output) => this.#dataplaneDump(services, output, "ipvs")),
        };
        for (const [mode, filesOf] of Object.entries(ofMode)) {
          const files = filesOf();
          const run = (): string => runScript("dataplane.js", String(services), String(runs), ...files);
          this.#process(`dataplane ${services} Services, ${mode}`, run, (output, probe) =>
            this.#addTimes(JSON.parse(output) as readonly DataplaneTimes[], services, probe),
          );
        }
      }
      for (const services of kernel) {
        const file = this.#dataplaneDump(services);
        const run = (): string => runScript("kernel.js", file, String(services), String(kernelPackets));
        this.#process(`kernel ${services} Services`, run, (output, probe) => {
          const { times, leftOut } = JSON.parse(output) as KernelRun;
          this.#addTimes(times, services, probe);
          this.#leftOut.push(...leftOut);
        });
      }
    }
  }

  #dataplaneDump(services: number, output = "save", mode = "iptables"): string {
    const settings = ["--cluster-cidr", CLUSTER_CIDR, "--mode", mode, "-o", output];
    return this.#dump(`${mode}-${output}`, services, DATAPLANE_ENDPOINTS, ...settings);
  }

  #addTimes(times: readonly DataplaneTimes[], services: number, probe: number): void {
    for (const { stage, work, samples } of times)
      this.#add({ id: `dataplane/${stage}/${services}`, group: "dataplane", unit: "ms", work }, { probe, samples });
  }

  #pipelines(): void {
    const { processes, services: sizes, lines } = this.#plan.pipeline;
    const compile = (services: number, output: string): readonly string[] => {
      return ["compile", "-f", this.#objects(services), "--node", "node-1", "--family", "ipv4", "-o", output];
    };
    for (const services of sizes) {
      const args = compile(services, "restore");
      const work = { count: services, of: "Service" };
      for (let i = 0; i < processes; i++)
        this.#pipeline(`compile -o restore/${services}`, work, () => runRulewalk(args));
    }
    const large = sizes.at(-2) ?? sizes.at(-1) ?? 1000;
    const args = compile(large, "save");
    for (let i = 0; i < processes; i++)
      this.#pipeline(`compile -o save/${large}`, { count: large, of: "Service" }, () => runRulewalk(args));
    // a plain Service makes 42 lines with ten endpoints
    const text = this.#dump("save", Math.ceil(lines / 42), ENDPOINTS, "-o", "save");
    for (const [what, script] of [
      ["parse", "parse-file.js"],
      ["load", "load-file.js"],
    ] as const)
      for (let i = 0; i < processes; i++)
        this.#pipeline(
          `${what} iptables-save/${lines}`,
          { count: lines, of: "line" },
          () => runScriptMeasured(script, text).usage,
        );
  }

  #pipeline(name: string, work: Header["work"], run: () => Usage): void {
    this.#process(`pipeline ${name}`, run, ({ wallMs, cpuMs, peakMB }, probe) => {
      const header = { group: "pipeline", work } as const;
      this.#add({ ...header, id: `pipeline/${name}/wall`, unit: "ms" }, { probe, samples: [wallMs] });
      this.#add({ ...header, id: `pipeline/${name}/cpu`, unit: "ms" }, { probe, samples: [cpuMs] });
      this.#add({ ...header, id: `pipeline/${name}/memory`, unit: "MB" }, { probe, samples: [peakMB] });
    });
  }

  /** A file that is made when it is first asked for. */
  #file(name: string, make: (file: string) => void): string {
    const known = this.#files.get(name);
    if (known !== undefined) return known;
    const file = join(this.#folder, name);
    make(file);
    this.#files.set(name, file);
    return file;
  }

  /** A file of so many Services, made by a process of its own so that this one stays small. */
  #objects(services: number, endpoints: number = ENDPOINTS): string {
    return this.#file(`cluster-${services}-${endpoints}.json`, (file) =>
      runScript("write-objects.js", String(services), String(endpoints), file),
    );
  }

  /** kube-proxy's configuration, as `--config` takes it. */
  #configuration(): string {
    const kind = { apiVersion: "kubeproxy.config.k8s.io/v1alpha1", kind: "KubeProxyConfiguration" };
    return this.#file("kube-proxy.json", (file) =>
      writeFileSync(file, JSON.stringify({ ...kind, clusterCIDR: CLUSTER_CIDR })),
    );
  }

  /** A file of what a tool of a node prints for so many Services; `more` says what and how. */
  #dump(name: string, services: number, endpoints: number, ...more: readonly string[]): string {
    const objects = this.#objects(services, endpoints);
    const cluster = ["-f", objects, "--node", "node-1", "--family", "ipv4", ...more];
    return this.#file(`${name}-${services}-${endpoints}.txt`, (file) => runRulewalk(["compile", ...cluster], file));
  }
}

/** Measures everything in a plan; `log` is told of each process. Large inputs are kept in a temporary folder meanwhile. */
export function measureAll(plan: Plan, log: (line: string) => void): Results {
  const folder = mkdtempSync(join(tmpdir(), "rulewalk-bench-"));
  try {
    return new Session(plan, log, folder).run();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
