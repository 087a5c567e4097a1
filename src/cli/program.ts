import { Command, CommanderError } from "commander";
import { benchCommand } from "./bench.ts";
import { compileCommand } from "./compile.ts";
import { diffCommand } from "./diff.ts";
import { explainCommand } from "./explain.ts";
import { goldenCommand } from "./golden.ts";
import { lintCommand } from "./lint.ts";
import { matrixCommand } from "./matrix.ts";
import { playCommand } from "./play.ts";
import { EXIT_USAGE, UsageError } from "./terminal.ts";
import { traceCommand } from "./trace.ts";
import { version } from "./version.ts";

/** The commands, set up anew at each call so that a run leaves nothing behind. */
function program(exit: (code: number) => void): Command {
  const root = new Command("rulewalk")
    .description("What kube-proxy writes on a node: compiled from Kubernetes objects, offline.")
    .version(version, "--version", "print the version")
    .helpOption("-h, --help", "show help")
    .showHelpAfterError("(rulewalk --help and rulewalk COMMAND --help tell more)")
    .exitOverride();
  root.addCommand(compileCommand(exit));
  root.addCommand(goldenCommand(exit));
  root.addCommand(benchCommand(exit));
  root.addCommand(traceCommand(exit));
  root.addCommand(matrixCommand(exit));
  root.addCommand(diffCommand(exit));
  root.addCommand(playCommand(exit));
  root.addCommand(lintCommand(exit));
  root.addCommand(explainCommand(exit));
  for (const command of root.commands)
    command.exitOverride().showHelpAfterError(`(rulewalk ${command.name()} --help tells more)`);
  return root;
}

/**
 * Runs one command line (without `node` and the script) and gives its exit code: 0, 2 for usage or input errors, and
 * what else the command defines. Nothing but a broken invariant throws.
 */
export async function runProgram(args: readonly string[]): Promise<number> {
  let code = 0;
  const root = program((value) => {
    code = value;
  });
  try {
    await root.parseAsync([...args], { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_USAGE;
    if (error instanceof UsageError) {
      process.stderr.write(`rulewalk: ${error.message}\n`);
      return EXIT_USAGE;
    }
    throw error;
  }
}
