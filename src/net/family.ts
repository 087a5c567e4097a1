/** The two IP families, spelled as in `spec.ipFamilies` and in an EndpointSlice's `addressType`. */
export type IPFamily = "IPv4" | "IPv6";

/** Both families, IPv4 first. */
export const ipFamilies: readonly IPFamily[] = ["IPv4", "IPv6"];

/** The other family of the two. */
export function otherFamily(family: IPFamily): IPFamily {
  return family === "IPv4" ? "IPv6" : "IPv4";
}
