import test from "ava";
import { formatIPVSCommands, formatIPVSListing } from "../../../src/rules/ipvs/format.ts";
import { parseIPVSCommands } from "../../../src/rules/ipvs/parse-commands.ts";
import { reading, toolText } from "./tool-text.ts";

function read(text: string) {
  const { source, found, report } = reading(text);
  return { table: parseIPVSCommands(source, report), found };
}

test("what ipvsadm -R took is what ipvsadm -Sn and -Ln print", (t) => {
  const { table, found } = read(toolText("ipvsadm -R"));
  t.deepEqual(found, []);
  t.is(formatIPVSCommands(table), toolText("ipvsadm -Sn"));
  t.is(formatIPVSListing(table), toolText("ipvsadm -Ln"));
  t.deepEqual(table.timeouts, { tcp: 10, tcpFin: 20, udp: 0 });
});

const A = "-A -t 1.1.1.1:80 -s rr\n";
const a = "-a -t 1.1.1.1:80 -r 3.3.3.3:80 ";

/** Lines that ipvsadm 1.31 refuses, or the kernel (6.1) behind it, with what is found and where. */
const refused: readonly (readonly [text: string, found: string])[] = [
  ["/sbin/ipset -A -t 1.1.1.3:80", "bad-command@0"],
  ["-s rr -A -t 1.1.1.13:80", "bad-command@0"],
  ["-X", "bad-command@0"],
  ["-A -t '1.1.1.5:80' -s \"rr\"", "bad-address@6"],
  ["-A -t 1.1.1.6:80 -s rr # comment", "unexpected-argument@23"],
  ["-A -t 1.1.1.27:80 extra", "unexpected-argument@18"],
  [A + A, "server-exists@23"],
  ["-a -t 1.1.1.9:80 -r 2.2.2.2:80", "no-such-server@0"],
  ["-E -t 1.1.1.9:80", "no-such-server@0"],
  ["-D -t 1.1.1.9:80", "no-such-server@0"],
  ["-A", "no-virtual-server@0"],
  ["-A -f 0", "bad-mark@6"],
  ["-A -f 0xff", "bad-mark@6"],
  ["-A -f 4294967296", "bad-mark@6"],
  ["-A -6 -t 1.1.1.35:80", "bad-option@3"],
  ["-A -6 -f 10", "bad-option@3"],
  ["-A -t 1.1.1.1:80 -s rr -b", "missing-argument@23"],
  ["-A -t 1.1.1.1:80 -s mh -b ''", "bad-scheduler-flag@26"],
  ["-A -t 1.1.1.1:80 -s mh -b foo", "bad-scheduler-flag@26"],
  ["-A -t 1.1.1.1:80 -s rr -b sh-port", "bad-scheduler-flag@26"],
  ["-A -t", "missing-argument@3"],
  ["-A -t 1.1.1.21:80 -u 1.1.1.22:80", "option-twice@18"],
  ["-A -t 1.1.1.23:80 -t 1.1.1.24:80", "option-twice@18"],
  ["-A -t 1.1.1.41:80 -s rr -s wrr", "option-twice@24"],
  ["-A -t 1.1.1.25:80 -w 3", "bad-option@18"],
  ["-A -D -t 1.1.1.26:80", "unknown-option@3"],
  ["-A --sched lc -t 1.1.1.26:80", "unknown-option@3"],
  ["-A --ops=1 -u 1.1.1.26:80", "unexpected-argument@3"],
  ["-A -t 1.1.1.28:80/tcp", "bad-address@6"],
  ["-A -t 1.1.1.29: -p", "bad-address@6"],
  ["-A -t :80", "bad-address@6"],
  ["-A -t 1.1.1.31:65536", "bad-address@6"],
  ["-A -t 1.1.1.31:0x50", "bad-address@6"],
  ["-A -t 256.1.1.1:80", "bad-address@6"],
  ["-A -t 10.0.0.22:80:80", "bad-address@6"],
  ["-A -t [fe80::1%eth0]:80", "bad-address@6"],
  ["-A -t [fd00::4]", "bad-address@6"],
  ["-A -t [fd00::00004]:80", "bad-address@6"],
  ["-A -t fd00::3:80", "zero-port@0"],
  ["-A -t 1.1.1.1", "zero-port@0"],
  ["-A -t 1.1.1.1:80 -p 0", "bad-timeout@20"],
  ["-A -t 1.1.1.1:80 -p 2678401", "bad-timeout@20"],
  ["-A -t 1.1.1.1:80 -p x", "bad-timeout@20"],
  ["-A -t [fd00::1]:80 -p -M 0", "bad-netmask@25"],
  ["-A -t [fd00::1]:80 -p -M 129", "bad-netmask@25"],
  ["-A -t [fd00::8]:80 -p 5 -M 255.255.255.0", "bad-netmask@27"],
  ["-A -t 1.1.1.1:80 -p -M 255.255.x.0", "bad-netmask@23"],
  ["-A -t 10.0.0.10:80 -o", "bad-option@19"],
  [`${A}${a}-w 2147483648`, "bad-number@57"],
  [`${A}${a}-w -1`, "bad-number@57"],
  [`${A}${a}-m -g`, "option-twice@57"],
  [`${A}${a}-x 5 -y 6`, "bad-threshold@59"],
  [`${A}${a}-y 6`, "bad-threshold@54"],
  [`${A}${a}\n${a}`, "real-server-exists@55"],
  [`${A}-e -t 1.1.1.1:80 -r 3.3.3.3:80`, "no-such-real-server@23"],
  [`${A}-d -t 1.1.1.1:80 -r 3.3.3.3:80`, "no-such-real-server@23"],
  [`${A}-a -t 1.1.1.1:80 -m`, "no-real-server@23"],
  [`${A}-a -t 1.1.1.1:80 -r [::1]:90 -m`, "other-family@43"],
  [`${A}${a}-i --tun-type gue`, "bad-option@57"],
  [`${A}${a}-i --tun-type gre --tun-port 5`, "bad-option@57"],
  [`${A}${a}-m --tun-type gre`, "bad-option@57"],
  [`${A}${a}-i --tun-type gue --tun-port 70000`, "bad-port@83"],
  [`${A}${a}-i --tun-type gre --tun-remcsum`, "bad-option@57"],
  [`${A}${a}-i --tun-type gue --tun-port 7 --tun-csum --tun-remcsum`, "bad-option@57"],
  [`${A}${a}-i --tun-csum`, "bad-option@57"],
  [`${A}${a}-i --tun-type foo`, "bad-option@57"],
  [`${A}${a}-i --tun-port 7`, "bad-option@57"],
  [`${A}${a}-mz`, "unknown-option@56"],
  [`${A}-D -t 1.1.1.1:80 -s rr`, "bad-option@40"],
  ["--set 1 2", "bad-timeout@6"],
  ["--set 1 2 x", "bad-timeout@6"],
  ["--set", "bad-timeout@0"],
];

test("what ipvsadm refuses is found at its word, and has no effect", (t) => {
  for (const [text, expected] of refused) {
    const { table, found } = read(`\n${text}\n`);
    const moved = expected.replace(/\d+$/, (offset) => `${Number(offset) + 1}`);
    t.deepEqual(found, [moved], text);
    const { table: before } = read(text.slice(0, text.lastIndexOf("\n") + 1));
    t.deepEqual(table, before, text);
  }
});

test("names, unknown schedulers and daemons are said, other lines go on", (t) => {
  const { table, found } = read(
    "-A -t localhost:81\n# x\n\n  -A -t 1.1.1.1:x-y\r\n-A -t 1.1.1.1:https -s best\n--start-daemon master\n-Z\n-L -n\n",
  );
  t.deepEqual(found, ["name-not-number@6", "name-not-number@32", "unknown-scheduler@68", "daemon-not-modelled@73"]);
  t.is(formatIPVSCommands(table), "-A -t 1.1.1.1:443 -s best\n");
});

test("lines that edit and delete act on those above them", (t) => {
  const rows: readonly (readonly [text: string, saved: string])[] = [
    [
      `${A}${a}-m\n-E -t 1.1.1.1:80 -s sh -p 9\n`,
      "-A -t 1.1.1.1:80 -s sh -p 9\n-a -t 1.1.1.1:80 -r 3.3.3.3:80 -m -w 1\n",
    ],
    [`${A}${a}-m -w 5\n-e -t 1.1.1.1:80 -r 3.3.3.3:80\n`, `${A}-a -t 1.1.1.1:80 -r 3.3.3.3:80 -g -w 1\n`],
    [`${A}${a}-m\n-D -t 1.1.1.1:80\n${A}`, A],
    [`${A}${a}-m\n-d -t 1.1.1.1:80 -r 3.3.3.3\n`, A],
    [`-A -f 3\n-C\n${A}`, A],
  ];
  for (const [text, saved] of rows) {
    const { table, found } = read(text);
    t.deepEqual(found, [], text);
    t.is(formatIPVSCommands(table), saved, text);
  }
  t.deepEqual(read("--set 1 2 3\n--set 0 5 0\n").table.timeouts, { tcp: 1, tcpFin: 5, udp: 3 });
});
