import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import test from "ava";
import { parseAllDocuments } from "yaml";
import { dumpNames } from "../../src/inspect/dump-names.ts";
import type { IPFamily } from "../../src/net/family.ts";
import { loadRuleset } from "../../src/rules/iptables/load.ts";
import type { Ruleset } from "../../src/rules/iptables/ruleset.ts";

const scenarios = fileURLToPath(new URL("../../../golden/scenarios/", import.meta.url));

interface ServicePort {
  readonly name: string;
  readonly addresses: readonly string[];
  readonly port: number;
  readonly nodePort: number | undefined;
  readonly protocol: string;
}

interface ServiceObject {
  readonly kind?: string;
  readonly items?: readonly ServiceObject[];
  readonly metadata?: { readonly name?: string; readonly namespace?: string };
  readonly spec?: {
    readonly clusterIPs?: readonly string[];
    readonly externalIPs?: readonly string[];
    readonly ports?: readonly {
      readonly name?: string;
      readonly port: number;
      readonly nodePort?: number;
      readonly protocol?: string;
    }[];
  };
}

/** The Service ports of a scenario, straight from its YAML. */
function servicePorts(folder: string): readonly ServicePort[] {
  const documents = parseAllDocuments(readFileSync(join(scenarios, folder, "cluster.yaml"), "utf8"));
  const objects = documents
    .map((each) => each.toJS() as ServiceObject | null)
    .flatMap((each) => [each, ...(each?.items ?? [])]);
  return objects.flatMap((each) => {
    if (each?.kind !== "Service") return [];
    const { metadata, spec } = each;
    const owner = `${metadata?.namespace ?? "default"}/${metadata?.name}`;
    return (spec?.ports ?? []).map(({ name = "", port, nodePort, protocol = "TCP" }) => ({
      name: name === "" ? owner : `${owner}:${name}`,
      addresses: [...(spec?.clusterIPs ?? []), ...(spec?.externalIPs ?? [])].filter((address) => address !== "None"),
      port,
      nodePort,
      protocol: protocol.toLowerCase(),
    }));
  });
}

const load = (text: string, family: IPFamily): Ruleset => loadRuleset({ name: "x", text }, family, () => undefined);

/** Pairs of dumps of one node. */
function dumpsOf(folder: string): readonly (readonly [string, string])[] {
  const root = join(scenarios, folder, "dumps");
  const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter(
    (file) => /1\.37-iptables.*iptables\.save$/.test(file) && !/ip6tables/.test(file),
  );
  return files.map((file) => {
    const other = file.replace(/iptables\.save$/, "ip6tables.save");
    const text = (name: string): string => {
      try {
        return readFileSync(join(root, name), "utf8");
      } catch {
        return "";
      }
    };
    return [text(file), text(other)] as const;
  });
}

const uncommented = (text: string): string => text.replace(/ -m comment --comment (?:"(?:[^"\\]|\\.)*"|\S+)/g, "");

test("slow: Services of all scenarios are named from their node's rules", (t) => {
  let named = 0;
  let dumps = 0;
  for (const folder of readdirSync(scenarios)) {
    if (folder.includes(".")) continue;
    const ports = servicePorts(folder);
    for (const [v4, v6] of dumpsOf(folder)) {
      dumps++;
      for (const [texts, given] of [
        [[v4, v6], []],
        [[uncommented(v4), uncommented(v6)], ports.map(({ name }) => name)],
      ] as const) {
        const names = dumpNames([load(texts[0], "IPv4"), load(texts[1], "IPv6")], given);
        for (const { name, addresses, port, nodePort, protocol } of ports) {
          for (const address of addresses) {
            const found = names.frontend(address, port, protocol);
            if (found !== undefined) named++;
            // rules of others with the same frontend come first in the chain
            const rivals = ports.filter(
              (each) => each.addresses.includes(address) && each.port === port && each.protocol === protocol,
            );
            if (found !== undefined)
              t.true(
                rivals.some((each) => each.name === found),
                `${folder} ${name}: ${found}`,
              );
            const isThere = new RegExp(
              `^-A KUBE-(?:SERVICES|EXTERNAL-SERVICES) -d ${address.replaceAll(".", "\\.")}/\\d+ -p ${protocol} .*--dport ${port} -j KUBE-(?:SVC|SVL|EXT|FW)`,
              "m",
            );
            if (isThere.test(texts[0]) || isThere.test(texts[1]))
              t.not(found, undefined, `${folder} ${name} ${address}`);
          }
          if (nodePort !== undefined) {
            const found = names.nodePort(nodePort, protocol);
            t.true(found === undefined || found === name, `${folder} ${nodePort}: ${found}`);
          }
        }
      }
    }
  }
  t.true(dumps > 50);
  t.true(named > 500, `${named}`);
});

test("chains and endpoints are named by comments, by jumps and by hashes", (t) => {
  const text = [
    "*nat",
    ":PREROUTING ACCEPT [0:0]",
    ":KUBE-SERVICES - [0:0]",
    `:KUBE-SVC-NPX46M4PTMTKRN6Y - [0:0]`,
    `:KUBE-EXT-CDGGSHYLG3RE2FKL - [0:0]`,
    ":KUBE-SEP-AAAAAAAAAAAAAAAA - [0:0]",
    ":KUBE-SEP-BBBBBBBBBBBBBBBB - [0:0]",
    "-A KUBE-SERVICES -d 10.96.0.1/32 -p tcp -m tcp --dport 443 -j KUBE-SVC-NPX46M4PTMTKRN6Y",
    '-A KUBE-SVC-NPX46M4PTMTKRN6Y -m comment --comment "default/kubernetes:https -> 192.168.10.1:6443" -j KUBE-SEP-AAAAAAAAAAAAAAAA',
    "-A KUBE-SEP-AAAAAAAAAAAAAAAA -p tcp -m tcp -j DNAT --to-destination 192.168.10.1:6443",
    '-A KUBE-SEP-BBBBBBBBBBBBBBBB -p tcp -m comment --comment "a/b:c" -m tcp -j DNAT --to-destination 192.168.10.1:6443',
    "COMMIT",
    "",
  ].join("\n");
  const names = dumpNames([load(text, "IPv4")], ["kube-system/other"]);
  t.is(names.chain("KUBE-SVC-NPX46M4PTMTKRN6Y"), "default/kubernetes:https");
  t.is(names.chain("KUBE-SVC-TCOU7JCQXEZGVUNU"), "kube-system/kube-dns:dns");
  t.is(names.chain("KUBE-EXT-CDGGSHYLG3RE2FKL"), undefined);
  t.is(names.chain("KUBE-SERVICES"), undefined);
  t.is(names.frontend("010.96.0.1", 443, "tcp"), "default/kubernetes:https");
  t.is(names.frontend("10.96.0.1", 443, "udp"), undefined);
  t.is(names.endpoint("192.168.10.1", 6443), "a/b:c, default/kubernetes:https");
  t.is(names.endpoint("192.168.10.2", 6443), undefined);
});
