/** The two ends of `--service-node-port-range`, both inside. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** How an API server was started, as far as checks depend on it. */
export interface ValidationOptions {
  /** The API server's release, 37 for v1.37 (the default). Decides what is accepted; texts are always v1.37's. */
  readonly minor?: number;
  /** Default 30000–32767. */
  readonly nodePortRange?: PortRange;
  /**
   * Refuse addresses with leading zeros, IPv4-mapped ones, and networks with host bits. Objects stored by an older
   * API server may hold such values, and a newer one keeps them. Default: as the release does for new objects.
   */
  readonly strictAddresses?: boolean;
}

/** What the checks ask of a release. */
export interface ValidationTraits {
  /** Service names are RFC 1123 labels (may begin with a digit): gate RelaxedServiceNameValidation, on from v1.36. */
  readonly relaxedServiceNames: boolean;
  /** Gate StrictIPCIDRValidation, on from v1.36. */
  readonly strictAddresses: boolean;
  /** Known values of `trafficDistribution`, in upstream's order; undefined where the field is dropped unread. */
  readonly trafficDistributions: readonly string[] | undefined;
  /** Addresses of IPv6 slices must be written canonically, since v1.33. */
  readonly canonicalIPv6Slices: boolean;
  readonly nodePortRange: PortRange;
}

const DEFAULT_RANGE: PortRange = { first: 30000, last: 32767 };
const NEWEST = 37;

// ServiceTrafficDistribution is on from v1.31 and PreferSameTrafficDistribution from v1.34 (pkg/features of v1.34.9)
function trafficDistributions(minor: number): readonly string[] | undefined {
  if (minor >= 34) return ["PreferClose", "PreferSameZone", "PreferSameNode"];
  return minor >= 31 ? ["PreferClose"] : undefined;
}

const KNOWN = new Map<number, ValidationTraits>();

/** The traits of a release, with the given settings on top. */
export function validationTraits(options: ValidationOptions = {}): ValidationTraits {
  const minor = options.minor ?? NEWEST;
  let traits = KNOWN.get(minor);
  if (traits === undefined) {
    traits = {
      relaxedServiceNames: minor >= 36,
      strictAddresses: minor >= 36,
      trafficDistributions: trafficDistributions(minor),
      canonicalIPv6Slices: minor >= 33,
      nodePortRange: DEFAULT_RANGE,
    };
    KNOWN.set(minor, traits);
  }
  if (options.nodePortRange === undefined && options.strictAddresses === undefined) return traits;
  return {
    ...traits,
    nodePortRange: options.nodePortRange ?? traits.nodePortRange,
    strictAddresses: options.strictAddresses ?? traits.strictAddresses,
    canonicalIPv6Slices: options.strictAddresses ?? traits.canonicalIPv6Slices,
  };
}
