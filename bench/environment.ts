import { cpus, totalmem } from "node:os";
import { version } from "../src/cli/version.ts";

/** Where and when something was measured. */
export interface Environment {
  readonly rulewalk: string;
  readonly node: string;
  readonly platform: string;
  readonly processor: string;
  readonly cores: number;
  readonly memoryGB: number;
  /** Of the start, UTC. */
  readonly date: string;
}

/** This machine, now. */
export function environment(): Environment {
  return {
    rulewalk: version,
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    processor: cpus()[0]?.model.trim() ?? "unknown",
    cores: cpus().length,
    memoryGB: Math.round(totalmem() / 2 ** 30),
    date: new Date().toISOString().slice(0, 16).replace("T", " "),
  };
}

/** It in one line. */
export function describeEnvironment(all: Environment): string {
  const { rulewalk, node, platform, processor, cores, memoryGB, date } = all;
  return `rulewalk ${rulewalk}, Node ${node}, ${platform}, ${cores} × ${processor}, ${memoryGB} GB, ${date} UTC`;
}
