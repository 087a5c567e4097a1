import { type PartKind, partOf } from "./line-kinds.ts";
import type { PeeledLine } from "./peel.ts";
import type { PromptCommand } from "./prompts.ts";

/** Lines that one tool has printed, with what stood between them. */
export interface TextPart {
  readonly kind: PartKind | "unknown";
  readonly lines: PeeledLine[];
  /** The command at the prompt in front. */
  readonly command: PromptCommand | undefined;
  /** A prompt stands behind it: the output is over, not cut. */
  isOver: boolean;
}

/** What is left of a JSON text that is not closed yet. */
class Brackets {
  #depth = 0;
  #inText = false;

  /** True when nothing is open behind these characters. */
  add(text: string): boolean {
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (this.#inText) {
        if (code === 0x5c) i++;
        else if (code === 0x22) this.#inText = false;
      } else if (code === 0x22) this.#inText = true;
      else if (code === 0x5b || code === 0x7b) this.#depth++;
      else if (code === 0x5d || code === 0x7d) this.#depth--;
    }
    return this.#depth <= 0 && !this.#inText;
  }
}

/** Takes the lines of several dumps apart: a new part begins behind a prompt, and where another tool's lines begin. */
export function partsOf(lines: readonly PeeledLine[]): readonly TextPart[] {
  const splitter = new Splitter();
  for (const line of lines) splitter.add(line);
  return splitter.parts;
}

class Splitter {
  readonly parts: TextPart[] = [];
  #part: TextPart | undefined;
  #command: PromptCommand | undefined;
  #brackets: Brackets | undefined;

  add(line: PeeledLine): void {
    if (line.kind === "prompt") {
      this.#prompt(line);
      return;
    }
    if (this.#brackets !== undefined && this.#part !== undefined) {
      this.#part.lines.push(line);
      if (this.#brackets.add(line.text)) this.#brackets = undefined;
      return;
    }
    const { kind } = line;
    if (kind === undefined || kind === "comment" || kind === "blank" || kind === "frame") {
      if (this.#part === undefined) this.#begin("unknown");
      this.#part?.lines.push(line);
      return;
    }
    const tool = partOf(kind);
    // -Z is a command of both
    if (kind === "chain-command" && this.#part?.kind === "ipvs-commands") {
      this.#part.lines.push({ ...line, kind: "ipvs-command" });
      return;
    }
    if (this.#part?.kind === "unknown" && this.#part.lines.every((each) => each.kind !== undefined)) {
      // comments and empty lines belong to what comes behind them
      const { lines: before } = this.#part;
      this.parts.pop();
      this.#begin(tool, before);
    } else if (this.#part?.kind !== tool || tool === "json") this.#begin(tool);
    this.#part?.lines.push(line);
    if (kind !== "json") return;
    const brackets = new Brackets();
    if (!brackets.add(line.text)) this.#brackets = brackets;
  }

  #prompt({ prompt }: PeeledLine): void {
    if (this.#part !== undefined) this.#part.isOver = true;
    this.#part = undefined;
    this.#brackets = undefined;
    this.#command = prompt?.command;
  }

  #begin(kind: TextPart["kind"], lines: PeeledLine[] = []): void {
    this.#part = { kind, lines, command: this.#command, isOver: false };
    this.parts.push(this.#part);
  }
}

/** What stood between the lines of a JSON text: a line break, or nothing where they were folded. */
export function jsonSeam(lines: readonly string[]): "\n" | "" {
  if (lines.length < 2) return "\n";
  return isJSON(lines.join("\n")) || !isJSON(lines.join("")) ? "\n" : "";
}

function isJSON(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
