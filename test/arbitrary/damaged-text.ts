import type { Random } from "../../src/net/random.ts";

/** Numbers and words that stand where they should not. */
const ABSURD = [
  ...["-1", "0", "65536", "4294967295", "4294967296", "99999999999999999999", "1e9", "0x", "255.255.255.256", "::"],
  ...["!", "-j", "-g", "-m", "--", '"', "+", "a".repeat(300), "\u0000", "ACCEPT", "RETURN", "INPUT", "*nat", "COMMIT"],
];

/** A text of which lines and words are lost, doubled, moved or replaced: a dump that somebody edited or cut. */
export function damagedText(random: Random, text: string): string {
  let lines = text.split("\n");
  for (let times = random.between(1, 12); times > 0; times--) {
    const at = random.below(lines.length);
    const line = lines[at] ?? "";
    const words = line.split(" ");
    const word = random.below(words.length);
    switch (random.below(7)) {
      case 0:
        lines = lines.toSpliced(at, random.between(1, 3));
        break;
      case 1:
        lines = lines.toSpliced(random.below(lines.length), 0, line);
        break;
      case 2:
        lines[at] = words.with(word, random.pick(ABSURD)).join(" ");
        break;
      case 3:
        lines[at] = words.toSpliced(word, 1).join(" ");
        break;
      case 4:
        lines[at] = words.toSpliced(word, 0, random.pick(words)).join(" ");
        break;
      case 5:
        lines[at] = line.replace(/\d+/, random.pick(ABSURD));
        break;
      default:
        if (random.chance(0.1)) lines = lines.slice(0, at + 1);
        else lines[at] = line.slice(0, random.below(line.length + 1));
    }
    if (lines.length === 0) return "";
  }
  return lines.join("\n");
}
