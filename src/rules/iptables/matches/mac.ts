import { type Negatable, negatable, negatableOption, type RuleModule } from "../module.ts";

/** `-m mac`: the source of the frame; false for packets that came in no Ethernet frame. */
export interface MacMatch {
  readonly kind: "mac";
  /** Six octets in lower-case hexadecimal, `00:11:22:33:44:55`. */
  readonly source: Negatable<string>;
}

const ADDRESS = /^[0-9a-f]{1,2}(?::[0-9a-f]{1,2}){5}$/;

function parseMac(text: string): string | undefined {
  const lower = text.toLowerCase();
  if (!ADDRESS.test(lower)) return undefined;
  return lower
    .split(":")
    .map((octet) => octet.padStart(2, "0"))
    .join(":");
}

export const macModule: RuleModule<MacMatch> = {
  kind: "mac",
  negatable: ["--mac-source"],
  parse: (options) => {
    const source = negatable(options, "--mac-source", options.need("--mac-source", parseMac, "a MAC address"));
    return source === undefined ? undefined : { kind: "mac", source };
  },
  format: (match) => negatableOption("--mac-source", match.source, (address) => address),
};
