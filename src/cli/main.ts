#!/usr/bin/env node
import { runProgram } from "./program.ts";

// a reader that closes the pipe early (`| head`) is no fault of ours
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  process.exit(error.code === "EPIPE" ? 0 : 2);
});

process.exitCode = await runProgram(process.argv.slice(2));
