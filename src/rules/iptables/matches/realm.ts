import { type Negatable, negatable, negatableOption, type RuleModule } from "../module.ts";
import { formatMasked, type MaskedValue, parseMasked } from "../values.ts";

/** `-m realm`, IPv4 only: the realm of the packet's route; true when (realm & mask) = value. */
export interface RealmMatch {
  readonly kind: "realm";
  readonly realm: Negatable<MaskedValue>;
}

/** `0 cosmos` is the one line that /etc/iproute2/rt_realms has from the start. */
const DEFAULT = "cosmos";
const NAME = /^[A-Za-z]/;

function parseRealm(text: string): MaskedValue | undefined {
  return text === DEFAULT ? { value: 0, mask: 0xffffffff } : parseMasked(text);
}

export const realmModule: RuleModule<RealmMatch> = {
  kind: "realm",
  negatable: ["--realm"],
  parse: (options) => {
    if (options.family !== "IPv4") return options.fail("ip6tables has no realms");
    const text = options.text("--realm");
    if (text !== undefined && text !== DEFAULT && NAME.test(text))
      return options.unmodelled(`--realm ${text.slice(0, 60)}: names of realms are those of the node`);
    const realm = negatable(options, "--realm", options.need("--realm", parseRealm, "REALM or REALM/MASK"));
    return realm === undefined ? undefined : { kind: "realm", realm };
  },
  format: (match) =>
    negatableOption("--realm", match.realm, (realm) =>
      realm.value === 0 && realm.mask === 0xffffffff ? DEFAULT : formatMasked(realm),
    ),
};
