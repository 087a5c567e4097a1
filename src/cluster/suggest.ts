/** Spellings seen in published manifests that are further from the right word than a slip of the finger. */
const MISSPELT: ReadonlyMap<string, string> = new Map([
  ["loadblancer", "LoadBalancer"],
  ["rollinupdate", "RollingUpdate"],
  ["volumeclaintemplate", "volumeClaimTemplates"],
]);

/**
 * The Damerau–Levenshtein distance (optimal string alignment) of two texts, or `most + 1` when it is larger than
 * `most`.
 */
function editDistance(a: string, b: string, most: number): number {
  if (Math.abs(a.length - b.length) > most) return most + 1;
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, (before[j - 2] ?? 0) + 1);
      }
      row.push(cost);
    }
    before = last;
    last = row;
  }
  return Math.min(last[b.length] ?? 0, most + 1);
}

/**
 * The known word a reader most likely meant, for "did you mean": the same letters in other case, or the nearest one
 * by edits, when it is near (one edit for three letters, three at most) and no other is as near. Else `undefined`.
 */
export function suggest(value: string, known: readonly string[]): string | undefined {
  if (value === "" || known.includes(value) || value.length > 64) return undefined;
  const lower = value.toLowerCase();
  const listed = MISSPELT.get(lower);
  if (listed !== undefined && known.includes(listed)) return listed;
  let best: string | undefined;
  let least = Math.min(3, Math.floor(value.length / 3)) + 1;
  for (const word of known) {
    const distance = editDistance(lower, word.toLowerCase(), least);
    if (distance < least) {
      best = word;
      least = distance;
    } else if (distance === least) {
      best = undefined;
    }
  }
  return best;
}
