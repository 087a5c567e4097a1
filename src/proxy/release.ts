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
  /** The feature gate that decides in releases that have it; the range tells its default. */
  readonly gate?: string;
  /** The gate switches the behaviour off. */
  readonly gateOff?: true;
}

/** For each trait of a table: does the release show it? */
export type Traits<Name extends string> = { readonly [Trait in Name]: boolean };

/** Effective feature gates of a release; a gate that is absent does not exist in it. */
export type FeatureGates = Readonly<Record<string, boolean>>;

function isShown(trait: Trait, release: Release, gates: FeatureGates): boolean {
  const { from = 0, to = Number.POSITIVE_INFINITY, gate, gateOff } = trait;
  const state = gate !== undefined && Object.hasOwn(gates, gate) ? gates[gate] : undefined;
  if (state !== undefined) return gateOff === true ? !state : state;
  return from <= release.minor && release.minor <= to;
}

/**
 * Evaluates a table of traits for one release and its feature gates. Code asks for a trait; only this function
 * compares numbers.
 */
export function traitsOf<Name extends string>(
  table: Readonly<Record<Name, Trait>>,
  release: Release,
  gates: FeatureGates = {},
): Traits<Name> {
  const shown = Object.entries<Trait>(table).map(([name, trait]) => [name, isShown(trait, release, gates)]);
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
