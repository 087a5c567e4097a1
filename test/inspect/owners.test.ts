import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import test from "ava";
import { ruleOwner } from "../../src/inspect/rule-owner.ts";
import { loadRuleset } from "../../src/rules/iptables/load.ts";
import type { Ruleset } from "../../src/rules/iptables/ruleset.ts";

const folder = fileURLToPath(new URL("../../../test/kernel/rulesets/", import.meta.url));

const load = (text: string, name = "x"): Ruleset =>
  loadRuleset({ name, text }, name.includes(".v6.") ? "IPv6" : "IPv4", () => undefined);

const ofFile = (name: string): Ruleset => load(readFileSync(join(folder, name), "utf8"), name);

/** Every rule of a ruleset as `TABLE CHAIN NUMBER`, with its owner. */
function ownersOf(ruleset: Ruleset): ReadonlyMap<string, string | undefined> {
  const found = new Map<string, string | undefined>();
  for (const [table, { chains }] of ruleset.tables)
    for (const [chain, { rules }] of chains)
      for (const i of rules.keys()) {
        const number = i + 1;
        found.set(`${table} ${chain} ${number}`, ruleOwner(ruleset, { table, chain, number }));
      }
  return found;
}

/** Whose rules a file holds, how chains of theirs begin, and their rules in built-in chains; all others are nobody's. */
const files: readonly (readonly [string, string, RegExp, readonly string[]])[] = [
  [
    "calico.save",
    "Calico",
    /^cali-/,
    [
      "raw PREROUTING 1",
      "raw OUTPUT 1",
      "mangle PREROUTING 1",
      "mangle POSTROUTING 1",
      "nat PREROUTING 1",
      "nat OUTPUT 1",
      "nat POSTROUTING 1",
      "filter INPUT 1",
      "filter FORWARD 1",
      "filter OUTPUT 1",
    ],
  ],
  [
    "docker.save",
    "Docker",
    /^DOCKER/,
    ["nat PREROUTING 1", "nat OUTPUT 1", "filter FORWARD 1", "filter FORWARD 2", "filter FORWARD 4"],
  ],
  ["docker.v6.save", "Docker", /^DOCKER/, ["nat PREROUTING 1", "nat OUTPUT 1", "filter FORWARD 2"]],
  ["fail2ban.save", "fail2ban", /^f2b-/, ["filter INPUT 1", "filter INPUT 2", "filter INPUT 3", "filter FORWARD 1"]],
  ["flannel.save", "flannel", /^FLANNEL-/, ["nat POSTROUTING 1", "filter FORWARD 1"]],
  ["ip-masq-agent.save", "ip-masq-agent", /^IP-MASQ/, ["nat POSTROUTING 1"]],
  ["istio.save", "Istio", /^ISTIO_/, ["nat PREROUTING 1", "nat OUTPUT 1"]],
  [
    "kube-router.save",
    "kube-router",
    /^KUBE-(?:ROUTER|POD-FW|NWPLCY)-/,
    [
      "nat PREROUTING 1",
      "nat PREROUTING 2",
      "nat OUTPUT 1",
      "nat POSTROUTING 1",
      "nat POSTROUTING 2",
      "nat POSTROUTING 3",
      "filter INPUT 1",
      "filter INPUT 2",
      "filter FORWARD 1",
      "filter OUTPUT 1",
    ],
  ],
  [
    "libvirt.save",
    "libvirt",
    /^LIBVIRT_/,
    [
      "nat POSTROUTING 1",
      "filter INPUT 1",
      "filter FORWARD 1",
      "filter FORWARD 2",
      "filter FORWARD 3",
      "filter OUTPUT 1",
    ],
  ],
  [
    "nodelocaldns.save",
    "NodeLocal DNS",
    /^$/,
    [
      "raw PREROUTING 1",
      "raw PREROUTING 2",
      "raw PREROUTING 3",
      "raw OUTPUT 1",
      "raw OUTPUT 2",
      "raw OUTPUT 3",
      "raw OUTPUT 4",
      "filter INPUT 2",
      "filter INPUT 3",
      "filter OUTPUT 1",
    ],
  ],
  ["portmap.save", "the CNI plugin portmap", /^CNI-/, ["nat PREROUTING 1", "nat OUTPUT 1", "nat POSTROUTING 1"]],
  ["tailscale.save", "Tailscale", /^ts-/, ["nat POSTROUTING 1", "filter INPUT 1", "filter FORWARD 1"]],
  [
    "ufw.save",
    "ufw",
    /^ufw-/,
    [
      "filter INPUT 1",
      "filter INPUT 2",
      "filter INPUT 3",
      "filter INPUT 4",
      "filter FORWARD 1",
      "filter OUTPUT 1",
      "filter OUTPUT 2",
    ],
  ],
  [
    "weave-npc.save",
    "Weave Net",
    /^WEAVE/,
    ["nat POSTROUTING 1", "filter INPUT 2", "filter FORWARD 1", "filter FORWARD 2"],
  ],
];
for (const [file, owner, chains, rules] of files) {
  test(`the rules of ${owner} in ${file}`, (t) => {
    const builtin: string[] = [];
    for (const [place, found] of ownersOf(ofFile(file))) {
      const [, chain = ""] = place.split(" ");
      if (/^[A-Z]+$/.test(chain) && !chains.test(chain)) {
        if (found !== undefined) builtin.push(place);
        t.true(found === undefined || found === owner, `${place}: ${found}`);
      } else t.is(found, owner, place);
    }
    t.deepEqual(builtin, rules);
  });
}

test("rules that no program is known to write have no owner", (t) => {
  const own =
    /^(?:addrtype|connmark|conntrack|dnat|goto|kernel|limits|logging|masquerade|nat|netmap|no-|odd|recent|reject|rpfilter|set|snat|statistic|tables|tcpmss|untracked|zones)/;
  const found = readdirSync(folder).filter((file) => file.endsWith(".save") && own.test(file));
  t.true(found.length > 20);
  for (const file of found)
    t.deepEqual(
      [...ownersOf(ofFile(file))].filter(([, owner]) => owner !== undefined),
      [],
      file,
    );
});

/** A rule of its own, lines before it, and the owner. */
const rows: readonly (readonly [string, readonly string[], string | undefined])[] = [
  ["KIND-MASQ-AGENT -d 10.244.0.0/16 -j RETURN", [], "kind's masquerade agent (kindnet)"],
  [
    'POSTROUTING -m addrtype ! --dst-type LOCAL -m comment --comment "kind-masq-agent: ensure nat POSTROUTING directs all non-LOCAL destination traffic to our custom KIND-MASQ-AGENT chain" -j KIND-MASQ-AGENT',
    [],
    "kind's masquerade agent (kindnet)",
  ],
  ["AWS-SNAT-CHAIN-0 ! -d 192.168.0.0/16 -j RETURN", [], "the Amazon VPC CNI"],
  ["AWS-CONNMARK-CHAIN-0 -j RETURN", [], "the Amazon VPC CNI"],
  ['POSTROUTING -m comment --comment "AWS SNAT CHAIN" -j AWS-SNAT-CHAIN-0', [], "the Amazon VPC CNI"],
  ["CNI-HOSTPORT-DNAT -p tcp -j CNI-DN-1", [], "the CNI plugin portmap"],
  ["CNI-SN-1 -j RETURN", [], "the CNI plugin portmap"],
  ["CNI-0123456789abcdef -j RETURN", [], "a CNI plugin"],
  ["AZURE-NPM -j RETURN", [], "Azure Network Policy Manager"],
  ["POSTROUTING -j AZURE-NPM-X", [], "Azure Network Policy Manager"],
  ["CILIUM_PRE_nat -j RETURN", [], "Cilium"],
  ['POSTROUTING -m comment --comment "cilium-feeder: CILIUM_POST_nat" -j CILIUM_POST_nat', [], "Cilium"],
  ["OVN-KUBE-NODEPORT -j RETURN", [], "OVN-Kubernetes"],
  ["KUBE-SVC-TCOU7JCQXEZGVUNU -j RETURN", [], "kube-proxy"],
  ['POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING', [], "kube-proxy"],
  ["KUBE-KUBELET-CANARY -j RETURN", [], "the kubelet"],
  ["KUBE-ROUTER-X -j RETURN", [], "kube-router"],
  ["PRE_public_allow -j RETURN", [], "firewalld"],
  // by who leads to the chain
  ["mine -j RETURN", ["cali-x -j mine", "cali-y -j mine"], "Calico"],
  ["mine -j RETURN", ["cali-x -j yours", "yours -j mine"], "Calico"],
  ["mine -j RETURN", ["cali-x -j mine", "DOCKER -j mine"], undefined],
  ["mine -j RETURN", ["cali-x -j mine", "POSTROUTING -j mine"], undefined],
  ["mine -j RETURN", ['POSTROUTING -m comment --comment "flanneld masq" -j mine'], "flannel"],
  ["mine -j RETURN", ["mine -j yours", "yours -j mine"], undefined],
  ["mine -j RETURN", [], undefined],
  // somebody else's chain may hold what a comment claims
  ['DOCKER -m comment --comment "cali:abc" -j RETURN', [], "Calico"],
  ["POSTROUTING -j RETURN", [], undefined],
];
for (const [rule, more, owner] of rows) {
  test(`${owner ?? "nobody"} wrote ${rule}${more.length > 0 ? ` (${more.join("; ")})` : ""}`, (t) => {
    const lines = [...more, rule];
    const names = new Set(lines.flatMap((line) => [line.split(" ")[0] ?? "", / -j ([\w-]+)$/.exec(line)?.[1] ?? ""]));
    const builtin = /^(?:POSTROUTING|PREROUTING|RETURN|ACCEPT|)$/;
    const declared = [...names].filter((name) => !builtin.test(name)).map((name) => `:${name} - [0:0]`);
    const ruleset = load(`${["*nat", ...declared, ...lines.map((line) => `-A ${line}`), "COMMIT"].join("\n")}\n`);
    const chain = rule.split(" ")[0] ?? "";
    const number = lines.filter((line) => line.startsWith(`${chain} `)).length;
    t.true(ruleset.tables.has("nat"));
    t.is(ruleOwner(ruleset, { table: "nat", chain, number }), owner);
    t.is(ruleOwner(ruleset, { table: "nat", chain, number: number + 1 }), undefined);
    t.is(ruleOwner(ruleset, { table: "raw", chain, number }), undefined);
  });
}
