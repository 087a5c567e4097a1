import type { RuleModule } from "../module.ts";
import { option } from "../syntax.ts";

const v4 = {
  "icmp-net-unreachable": "net-unreach",
  "icmp-host-unreachable": "host-unreach",
  "icmp-proto-unreachable": "proto-unreach",
  "icmp-port-unreachable": "port-unreach",
  "icmp-net-prohibited": "net-prohib",
  "icmp-host-prohibited": "host-prohib",
  "tcp-reset": "tcp-rst",
  "icmp-admin-prohibited": "admin-prohib",
} as const;

const v6 = {
  "icmp6-no-route": "no-route",
  "icmp6-adm-prohibited": "adm-prohibited",
  "icmp6-addr-unreachable": "addr-unreach",
  "icmp6-port-unreachable": "port-unreach",
  "tcp-reset": "tcp-reset",
  "icmp6-policy-fail": "policy-fail",
  "icmp6-reject-route": "reject-route",
} as const;

/** What `-j REJECT` answers with, by the name that iptables-save prints. */
export type RejectWith = keyof typeof v4 | keyof typeof v6;

/** `-j REJECT` */
export interface RejectTarget {
  readonly kind: "REJECT";
  readonly with: RejectWith;
}

function find(text: string, names: Readonly<Record<string, string>>): RejectWith | undefined {
  const lower = text.toLowerCase();
  const found = Object.entries(names).find(([name, alias]) => lower === name || lower === alias);
  return found?.[0] as RejectWith | undefined;
}

export const rejectModule: RuleModule<RejectTarget> = {
  kind: "REJECT",
  negatable: [],
  parse: (options) => {
    const v4Family = options.family === "IPv4";
    if (!options.has("--reject-with")) {
      return { kind: "REJECT", with: v4Family ? "icmp-port-unreachable" : "icmp6-port-unreachable" };
    }
    const name = options.read(
      "--reject-with",
      (text) => find(text, v4Family ? v4 : v6),
      `an answer of ${options.family}`,
    );
    const { protocol } = options.rule;
    if (name === "tcp-reset" && (protocol?.value !== 6 || protocol.negated))
      return options.fail("tcp-reset needs -p tcp");
    return name === undefined ? undefined : { kind: "REJECT", with: name };
  },
  format: (target) => [option("--reject-with", target.with)],
};
