/** A set of addresses, ports and so on, as `ipset` makes them. */
export interface IPSet {
  readonly name: string;
}
