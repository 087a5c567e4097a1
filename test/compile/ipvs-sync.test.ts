import test from "ava";
import {
  emptyGracefulList,
  type GracefulList,
  gracefulName,
  planSync,
  planTick,
} from "../../src/compile/ipvs/sync-plan.ts";
import { type IPVSCommand, keyOfCommand } from "../../src/rules/ipvs/command.ts";
import type { IPVSTable } from "../../src/rules/ipvs/model.ts";
import { parseIPVSCommands } from "../../src/rules/ipvs/parse-commands.ts";
import { parseIPVSListing } from "../../src/rules/ipvs/parse-listing.ts";
import { formatEnd, formatKey, schedulerName } from "../../src/rules/ipvs/spelling.ts";
import type { Diagnostic } from "../../src/text/diagnostic.ts";

function fail({ message }: Diagnostic): never {
  throw new Error(message);
}

/** `TCP 10.0.0.1:80 rr`, and real servers as `10.1.0.1:80 WEIGHT ACTIVE INACTIVE`, separated by commas; masquerading unless `Route` is said. */
function tableOf(lines: readonly string[]): IPVSTable {
  const text = lines
    .flatMap((line) => {
      const [server = "", ...reals] = line.split(/, /);
      return [server, ...reals.map((real) => `  -> ${/ [A-Z]/.test(real) ? real : real.replace(" ", " Masq ")}`)];
    })
    .join("\n");
  return parseIPVSListing({ name: "present", text }, fail).table;
}

/** A request as ipvsadm takes it, without what never differs here. */
function commandText(command: IPVSCommand): string {
  const key = formatKey(keyOfCommand(command));
  switch (command.kind) {
    case "add-service":
    case "edit-service": {
      const { persistence, schedulerFlags } = command.server;
      const flags = schedulerFlags.length === 0 ? "" : ` -b ${schedulerFlags.join()}`;
      const sticky = persistence === undefined ? "" : ` -p ${persistence.timeout}`;
      return `${command.kind === "add-service" ? "-A" : "-E"} ${key} -s ${schedulerName(command.server)}${sticky}${flags}`;
    }
    case "delete-service":
      return `-D ${key}`;
    case "delete-server":
      return `-d ${key} -r ${formatEnd(command.real.address, command.real.port)}`;
    default: {
      const { address, port, weight, method } = command.real;
      const how = method === "masquerade" ? "" : ` ${method}`;
      return `${command.kind === "add-server" ? "-a" : "-e"} ${key} -r ${formatEnd(address, port)} -w ${weight}${how}`;
    }
  }
}

/** `-t 10.0.0.1:80 10.1.0.1:80` */
function listOf(names: readonly string[]): GracefulList {
  const items = names.map((name) => {
    const [option, server, real] = name.split(" ");
    const { virtualServers } = parseIPVSCommands(
      { name: "list", text: `-A ${option} ${server} -s rr\n-a ${option} ${server} -r ${real} -m\n` },
      fail,
    );
    const [found] = virtualServers;
    const [first] = found?.realServers ?? [];
    if (found === undefined || first === undefined) throw new Error(name);
    return [gracefulName(found.key, first), { key: found.key, real: first }] as const;
  });
  return new Map(items);
}

interface Row {
  readonly what: string;
  readonly present: readonly string[];
  readonly list?: readonly string[];
  /** As `ipvsadm -R` takes it. */
  readonly wanted: readonly string[];
  readonly exclude?: readonly string[];
  readonly resets?: boolean;
  readonly requests: readonly string[];
  readonly after?: readonly string[];
}

const A = "-t 10.0.0.1:80";
const one = (weight: number, active = 0, inactive = 0): string =>
  `TCP 10.0.0.1:80 rr, 10.1.0.1:80 ${weight} ${active} ${inactive}`;
const RR = `-A ${A} -s rr`;
const real = (number: number, server = A): string => `-a ${server} -r 10.1.0.${number}:80 -m -w 1`;
const ITEM = `${A} 10.1.0.1:80`;

/** By hand from ipvs-mode §7.1, §7.2 and §7.4, a line for each branch. */
const rows: readonly Row[] = [
  { what: "nothing is wanted, nothing is there", present: [], wanted: [], requests: [] },
  {
    what: "a virtual server is absent",
    present: [],
    wanted: [RR, real(1), real(2)],
    requests: [`-A ${A} -s rr`, `-a ${A} -r 10.1.0.1:80 -w 1`, `-a ${A} -r 10.1.0.2:80 -w 1`],
  },
  { what: "all is as wanted", present: [one(1, 3, 4)], wanted: [RR, real(1)], requests: [] },
  { what: "another scheduler", present: [one(1)], wanted: [`-A ${A} -s lc`, real(1)], requests: [`-E ${A} -s lc`] },
  {
    what: "affinity comes",
    present: [one(1)],
    wanted: [`-A ${A} -s rr -p 600`, real(1)],
    requests: [`-E ${A} -s rr -p 600`],
  },
  {
    what: "affinity's time changes",
    present: ["TCP 10.0.0.1:80 rr persistent 600"],
    wanted: [`-A ${A} -s rr -p 601`],
    requests: [`-E ${A} -s rr -p 601`],
  },
  { what: "affinity goes", present: ["TCP 10.0.0.1:80 rr persistent 600"], wanted: [RR], requests: [`-E ${A} -s rr`] },
  {
    what: "other flags",
    present: ["TCP 10.0.0.1:80 mh"],
    wanted: [`-A ${A} -s mh -b mh-port`],
    requests: [`-E ${A} -s mh -b mh-port`],
  },
  {
    what: "somebody's one-packet scheduling",
    present: ["UDP 10.0.0.1:80 rr ops"],
    wanted: ["-A -u 10.0.0.1:80 -s rr"],
    requests: ["-E -u 10.0.0.1:80 -s rr"],
  },
  {
    what: "somebody's netmask is not looked at",
    present: ["TCP 10.0.0.1:80 rr persistent 600 mask 255.255.255.0"],
    wanted: [`-A ${A} -s rr -p 600`],
    requests: [],
  },
  {
    what: "a real server comes",
    present: [one(1)],
    wanted: [RR, real(1), real(2)],
    requests: [`-a ${A} -r 10.1.0.2:80 -w 1`],
  },
  {
    what: "another port is another real server",
    present: [one(1)],
    wanted: [RR, `-a ${A} -r 10.1.0.1:81 -m -w 1`],
    requests: [`-a ${A} -r 10.1.0.1:81 -w 1`, `-d ${A} -r 10.1.0.1:80`],
  },
  {
    what: "a weight of 0 is left as it is, when it is not on the list",
    present: [one(0, 1)],
    wanted: [RR, real(1)],
    requests: [],
  },
  {
    what: "… but reset in the first pass",
    present: [one(0, 1)],
    wanted: [RR, real(1)],
    resets: true,
    requests: [`-e ${A} -r 10.1.0.1:80 -w 1`],
  },
  {
    what: "the first pass resets every wanted real server as often as some weight differs",
    present: ["TCP 10.0.0.1:80 rr, 10.1.0.1:80 1 0 0, 10.1.0.2:80 3 0 0, 10.1.0.3:80 0 0 0"],
    wanted: [RR, real(1), real(2)],
    resets: true,
    requests: [
      `-e ${A} -r 10.1.0.1:80 -w 1`,
      `-e ${A} -r 10.1.0.1:80 -w 1`,
      `-e ${A} -r 10.1.0.2:80 -w 1`,
      `-e ${A} -r 10.1.0.2:80 -w 1`,
      `-d ${A} -r 10.1.0.3:80`,
    ],
  },
  {
    what: "TCP without connections goes at once",
    present: [one(1)],
    wanted: [RR],
    requests: [`-d ${A} -r 10.1.0.1:80`],
  },
  {
    what: "TCP with an active connection is waited for",
    present: [one(1, 1)],
    wanted: [RR],
    requests: [`-e ${A} -r 10.1.0.1:80 -w 0`],
    after: [ITEM],
  },
  {
    what: "TCP with an inactive connection is waited for",
    present: [one(1, 0, 1)],
    wanted: [RR],
    requests: [`-e ${A} -r 10.1.0.1:80 -w 0`],
    after: [ITEM],
  },
  {
    what: "one that kube-proxy found with weight 0 is waited for as well",
    present: [one(0, 1)],
    wanted: [RR],
    requests: [`-e ${A} -r 10.1.0.1:80 -w 0`],
    after: [ITEM],
  },
  { what: "one on the list is left", present: [one(0, 1)], list: [ITEM], wanted: [RR], requests: [], after: [ITEM] },
  {
    what: "one on the list is left, though its last connection has ended",
    present: [one(0)],
    list: [ITEM],
    wanted: [RR],
    requests: [],
    after: [ITEM],
  },
  {
    what: "one on the list that is wanted again is deleted and added",
    present: [one(0, 1)],
    list: [ITEM],
    wanted: [RR, real(1)],
    requests: [`-d ${A} -r 10.1.0.1:80`, `-a ${A} -r 10.1.0.1:80 -w 1`],
  },
  {
    what: "one on the list that is gone is added, and stays on the list",
    present: ["TCP 10.0.0.1:80 rr"],
    list: [ITEM],
    wanted: [RR, real(1)],
    requests: [`-a ${A} -r 10.1.0.1:80 -w 1`],
    after: [ITEM],
  },
  {
    what: "the list of another virtual server does not matter",
    present: [one(1)],
    list: ["-t 10.0.0.2:80 10.1.0.1:80"],
    wanted: [RR, real(1)],
    requests: [],
    after: ["-t 10.0.0.2:80 10.1.0.1:80"],
  },
  {
    what: "UDP goes at once, with its connections",
    present: ["UDP 10.0.0.1:80 rr, 10.1.0.1:80 1 0 9"],
    wanted: ["-A -u 10.0.0.1:80 -s rr"],
    requests: ["-d -u 10.0.0.1:80 -r 10.1.0.1:80"],
  },
  {
    what: "SCTP goes at once, with its connections",
    present: ["SCTP 10.0.0.1:80 rr, 10.1.0.1:80 1 9 0"],
    wanted: ["-A --sctp-service 10.0.0.1:80 -s rr"],
    requests: ["-d --sctp-service 10.0.0.1:80 -r 10.1.0.1:80"],
  },
  {
    what: "a stale virtual server goes at once, with its connections; the list is not looked at",
    present: [one(0, 1)],
    list: [ITEM],
    wanted: [],
    requests: [`-D ${A}`],
    after: [ITEM],
  },
  {
    what: "a virtual server in an excluded network stays",
    present: [one(1)],
    wanted: [],
    exclude: ["10.0.0.0/24"],
    requests: [],
  },
  {
    what: "a wanted one there is managed as ever",
    present: [one(1)],
    wanted: [`-A ${A} -s lc`, real(2)],
    exclude: ["10.0.0.0/24"],
    requests: [`-E ${A} -s lc`, `-a ${A} -r 10.1.0.2:80 -w 1`, `-d ${A} -r 10.1.0.1:80`],
  },
  {
    what: "other networks are not excluded",
    present: [one(1)],
    wanted: [],
    exclude: ["10.0.1.0/24", "fd00::/8"],
    requests: [`-D ${A}`],
  },
  { what: "the other family is none of its affair", present: ["TCP [fd00::1]:80 rr"], wanted: [], requests: [] },
  {
    what: "the same address and port of another protocol is stale",
    present: ["UDP 10.0.0.1:80 rr"],
    wanted: [RR],
    requests: [`-A ${A} -s rr`, "-D -u 10.0.0.1:80"],
  },
  {
    what: "a real server that somebody routes to is told to masquerade when it is waited for",
    present: ["TCP 10.0.0.1:80 rr, 10.1.0.1:80 Route 5 1 0"],
    wanted: [RR],
    requests: [`-e ${A} -r 10.1.0.1:80 -w 0`],
    after: [ITEM],
  },
];

for (const { what, present, list = [], wanted, exclude = [], resets = false, requests, after = [] } of rows)
  test(`a pass: ${what}`, (t) => {
    const { virtualServers } = parseIPVSCommands({ name: "wanted", text: wanted.join("\n") }, fail);
    const plan = planSync(tableOf(present), listOf(list), {
      family: "IPv4",
      virtualServers,
      excludeCIDRs: exclude,
      resetsWeights: resets,
    });
    t.deepEqual(plan.commands.map(commandText), requests);
    t.deepEqual([...plan.graceful.keys()], after);
  });

/** The minute's try of the list (ipvs-mode §7.2). */
const tries: readonly Omit<Row, "wanted">[] = [
  { what: "an empty list", present: [one(0)], requests: [] },
  { what: "active connections are left", present: [one(0, 1)], list: [ITEM], requests: [], after: [ITEM] },
  { what: "inactive connections are left", present: [one(0, 0, 1)], list: [ITEM], requests: [], after: [ITEM] },
  { what: "no connection is left", present: [one(0)], list: [ITEM], requests: [`-d ${A} -r 10.1.0.1:80`] },
  {
    what: "no connection is left, and it is wanted again",
    present: [one(1)],
    list: [ITEM],
    requests: [`-d ${A} -r 10.1.0.1:80`],
  },
  { what: "the real server is gone", present: ["TCP 10.0.0.1:80 rr"], list: [ITEM], requests: [] },
  { what: "the virtual server is gone", present: [], list: [ITEM], requests: [] },
  {
    what: "each item for itself",
    present: ["TCP 10.0.0.1:80 rr, 10.1.0.1:80 0 1 0, 10.1.0.2:80 0 0 0", "TCP 10.0.0.2:80 rr, 10.1.0.1:80 0 0 0"],
    list: [ITEM, `${A} 10.1.0.2:80`, "-t 10.0.0.2:80 10.1.0.1:80"],
    requests: [`-d ${A} -r 10.1.0.2:80`, "-d -t 10.0.0.2:80 -r 10.1.0.1:80"],
    after: [ITEM],
  },
];

for (const { what, present, list = [], requests, after = [] } of tries)
  test(`the minute's try: ${what}`, (t) => {
    const plan = planTick(tableOf(present), listOf(list));
    t.deepEqual(plan.commands.map(commandText), requests);
    t.deepEqual([...plan.graceful.keys()], after);
  });

test("what a pass makes of nothing needs no second one", (t) => {
  const text = [RR, real(1), real(2), "-A -u 10.0.0.1:53 -s rr -p 600", "-a -u 10.0.0.1:53 -r 10.1.0.9:53 -m -w 1"];
  const { virtualServers } = parseIPVSCommands({ name: "wanted", text: text.join("\n") }, fail);
  const wanted = { family: "IPv4", virtualServers, excludeCIDRs: [] } as const;
  t.deepEqual(planSync({ virtualServers }, emptyGracefulList, wanted).commands, []);
});
