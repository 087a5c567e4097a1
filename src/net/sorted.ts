/** How many of ascending numbers are below a value: the place of the first that is not. */
export function lowerBound<T extends number | bigint>(ascending: readonly T[], value: T): number {
  let [low, high] = [0, ascending.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ascending[middle] as T) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** How many of ascending numbers are not above a value: the place of the first that is. */
export function upperBound<T extends number | bigint>(ascending: readonly T[], value: T): number {
  let [low, high] = [0, ascending.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ascending[middle] as T) <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Numbers in ascending order, each once. */
export const ascending = <T extends number | bigint>(values: Iterable<T>): readonly T[] =>
  [...new Set(values)].sort((a, b) => (a < b ? -1 : 1));
