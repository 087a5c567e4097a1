/** A Kubernetes minor release, 1.`minor`. */
export interface Release {
  readonly minor: number;
}

/** A named behaviour and the releases (minor numbers, inclusive) that show it; an open end means "and on". */
export interface Trait {
  readonly from?: number;
  readonly to?: number;
  /** What the behaviour is and where it is known from. */
  readonly reason: string;
}

/** For each trait of a table: does the release show it? */
export type Traits<Name extends string> = { readonly [Trait in Name]: boolean };

/** Evaluates a table of traits for one release. Code asks for a trait; only this function compares numbers. */
export function traitsOf<Name extends string>(table: Readonly<Record<Name, Trait>>, release: Release): Traits<Name> {
  const shown = Object.entries<Trait>(table).map(([name, { from = 0, to = Number.POSITIVE_INFINITY }]) => [
    name,
    from <= release.minor && release.minor <= to,
  ]);
  return Object.fromEntries(shown) as Traits<Name>;
}

const VERSION = /^v?1\.(\d{1,3})(?:\.\d+)?(?:[-+][0-9A-Za-z.+-]*)?$/;

/** Reads `1.37`, `v1.37`, `1.37.0` or `v1.37.2+k3s1`; `undefined` for anything else. */
export function parseRelease(text: string): Release | undefined {
  const match = VERSION.exec(text);
  return match === null ? undefined : { minor: Number(match[1]) };
}

/** `1.37` */
export function formatRelease(release: Release): string {
  return `1.${release.minor}`;
}
