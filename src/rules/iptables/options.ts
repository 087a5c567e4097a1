/**
 * The options of iptables and its extensions, 1.8.9: which module has which, and how many arguments each takes.
 *
 * In the tables a flag is followed by one `=` for each argument it needs. Alternative names of one option stand
 * together, joined by `|`, the one that iptables-save prints first. Modules whose meaning is not modelled are here
 * too, because without the number of arguments a bare `--comment -x` could not be told from two options.
 */

/** What the reader must know about a flag. */
export interface FlagInfo {
  /** Words that are taken whatever they look like. */
  readonly count: number;
  /** True when further words may follow that do not begin with `-`. */
  readonly open: boolean;
  /** `command`: -A and its kin; `table`: -t; `wait`: options of the program that do not belong to a rule. */
  readonly role: "rule" | "command" | "table" | "wait";
  /** The name that iptables-save prints. */
  readonly name: string;
}

/** Options of every rule; iptables-save prints the short names. */
const general = `-s=|--source=|--src= -d=|--destination=|--dst= -i=|--in-interface= -o=|--out-interface=
  -p=|--protocol=|--proto= -f|--fragment -m=|--match= -j=|--jump= -g=|--goto= -c==|--set-counters== -4|--ipv4 -6|--ipv6
  -n|--numeric -v|--verbose -x|--exact --line-numbers`;

const commands: Readonly<Record<string, readonly [name: string, count: number]>> = {
  "-A": ["--append", 1],
  "-I": ["--insert", 1],
  "-D": ["--delete", 1],
  "-R": ["--replace", 1],
  "-C": ["--check", 1],
  "-N": ["--new-chain", 1],
  "-X": ["--delete-chain", 0],
  "-F": ["--flush", 0],
  "-P": ["--policy", 2],
  "-Z": ["--zero", 0],
  "-E": ["--rename-chain", 2],
};

const matches: Readonly<Record<string, string>> = {
  addrtype: "--src-type= --dst-type= --limit-iface-in --limit-iface-out",
  ah: "--ahspi= --ahlen= --ahres",
  bpf: "--bytecode= --object-pinned=",
  cgroup: "--path= --cgroup=",
  cluster: "--cluster-total-nodes= --cluster-local-node= --cluster-local-nodemask= --cluster-hash-seed=",
  comment: "--comment=",
  connbytes: "--connbytes= --connbytes-mode= --connbytes-dir=",
  connlabel: "--label= --set",
  connlimit: "--connlimit-upto= --connlimit-above= --connlimit-mask= --connlimit-saddr --connlimit-daddr",
  connmark: "--mark=",
  conntrack: `--ctstate= --ctproto= --ctorigsrc= --ctorigdst= --ctreplsrc= --ctrepldst= --ctorigsrcport= --ctorigdstport=
    --ctreplsrcport= --ctrepldstport= --ctstatus= --ctexpire= --ctdir=`,
  cpu: "--cpu=",
  dccp: "--sport=|--source-port= --dport=|--destination-port= --dccp-types= --dccp-option=",
  devgroup: "--src-group= --dst-group=",
  dscp: "--dscp= --dscp-class=",
  ecn: "--ecn-tcp-cwr --ecn-tcp-ece --ecn-ip-ect=",
  esp: "--espspi=",
  eui64: "",
  frag: "--fragid= --fraglen= --fragres --fragfirst --fragmore --fraglast",
  hashlimit: `--hashlimit-upto=|--hashlimit= --hashlimit-above= --hashlimit-burst= --hashlimit-mode= --hashlimit-srcmask=
    --hashlimit-dstmask= --hashlimit-name= --hashlimit-htable-size= --hashlimit-htable-max= --hashlimit-htable-expire=
    --hashlimit-htable-gcinterval= --hashlimit-rate-match --hashlimit-rate-interval=`,
  hbh: "--hbh-len= --hbh-opts=",
  dst: "--dst-len= --dst-opts=",
  helper: "--helper=",
  hl: "--hl-eq= --hl-lt= --hl-gt=",
  icmp: "--icmp-type=",
  icmp6: "--icmpv6-type=",
  ipcomp: "--ipcompspi= --compres",
  iprange: "--src-range= --dst-range=",
  ipv6header: "--header= --soft",
  ipvs: "--ipvs --vproto= --vaddr= --vport= --vdir= --vmethod= --vportctl=",
  length: "--length=",
  limit: "--limit= --limit-burst=",
  mac: "--mac-source=",
  mark: "--mark=",
  mh: "--mh-type=",
  multiport: "--sports=|--source-ports= --dports=|--destination-ports= --ports=|--port=",
  nfacct: "--nfacct-name=",
  osf: "--genre= --ttl= --log=",
  owner: "--uid-owner= --gid-owner= --socket-exists --suppl-groups",
  physdev: "--physdev-in= --physdev-out= --physdev-is-in --physdev-is-out --physdev-is-bridged",
  pkttype: "--pkt-type=",
  policy: "--dir= --pol= --strict --reqid= --spi= --proto= --mode= --tunnel-src= --tunnel-dst= --next",
  quota: "--quota=",
  rateest: `--rateest= --rateest1= --rateest2= --rateest-bps --rateest-pps --rateest-lt --rateest-gt --rateest-eq
    --rateest-delta`,
  realm: "--realm=",
  recent: `--set --rcheck --update --remove --seconds= --reap --hitcount= --rttl --name= --mask= --rsource --rdest`,
  rpfilter: "--loose --validmark --accept-local --invert",
  rt: "--rt-type= --rt-segsleft= --rt-len= --rt-0-res --rt-0-addrs= --rt-0-not-strict",
  sctp: "--sport=|--source-port= --dport=|--destination-port= --chunk-types==",
  set: `--match-set== --return-nomatch --update-counters --update-subcounters --packets-eq= --packets-lt= --packets-gt=
    --bytes-eq= --bytes-lt= --bytes-gt=`,
  socket: "--transparent --nowildcard --restore-skmark",
  state: "--state=",
  statistic: "--mode= --probability= --every= --packet=",
  string: "--algo= --from= --to= --string= --hex-string= --icase",
  tcp: "--sport=|--source-port= --dport=|--destination-port= --tcp-flags== --syn --tcp-option=",
  tcpmss: "--mss=",
  time: `--timestart= --timestop= --datestart= --datestop= --monthdays= --weekdays= --contiguous --kerneltz --utc
    --localtz`,
  tos: "--tos=",
  ttl: "--ttl-eq=|--ttl= --ttl-lt= --ttl-gt=",
  u32: "--u32=",
  udp: "--sport=|--source-port= --dport=|--destination-port=",
  udplite: "--sport=|--source-port= --dport=|--destination-port=",
};

const targets: Readonly<Record<string, string>> = {
  ACCEPT: "",
  DROP: "",
  RETURN: "",
  QUEUE: "",
  AUDIT: "--type=",
  CHECKSUM: "--checksum-fill",
  CLASSIFY: "--set-class=",
  CLUSTERIP: "--new --hashmode= --clustermac= --total-nodes= --local-node= --hash-init=",
  CONNMARK: `--set-xmark= --set-mark= --and-mark= --or-mark= --xor-mark= --save-mark --restore-mark --ctmask= --nfmask=
    --mask= --left-shift-mark= --right-shift-mark=`,
  CONNSECMARK: "--save --restore",
  CT: "--notrack --helper= --timeout= --ctevents= --expevents= --zone= --zone-orig= --zone-reply=",
  DNAT: "--to-destination= --random --persistent",
  DNPT: "--src-pfx= --dst-pfx=",
  DSCP: "--set-dscp= --set-dscp-class=",
  ECN: "--ecn-tcp-remove",
  HL: "--hl-set= --hl-dec= --hl-inc=",
  HMARK: `--hmark-tuple= --hmark-mod= --hmark-offset= --hmark-src-prefix= --hmark-dst-prefix= --hmark-sport-mask=
    --hmark-dport-mask= --hmark-rnd= --hmark-proto-mask= --hmark-spi= --hmark-spi-mask= --hmark-sport= --hmark-dport=`,
  IDLETIMER: "--timeout= --label= --alarm",
  LED: "--led-trigger-id= --led-delay= --led-always-blink",
  LOG: `--log-prefix= --log-level= --log-tcp-sequence --log-tcp-options --log-ip-options --log-uid --log-macdecode`,
  MARK: "--set-xmark= --set-mark= --and-mark= --or-mark= --xor-mark=",
  MASQUERADE: "--to-ports= --random --random-fully",
  NETMAP: "--to=",
  NFLOG: "--nflog-prefix= --nflog-group= --nflog-range= --nflog-size= --nflog-threshold=",
  NFQUEUE: "--queue-num= --queue-balance= --queue-bypass --queue-cpu-fanout",
  NOTRACK: "",
  RATEEST: "--rateest-name= --rateest-interval= --rateest-ewmalog=",
  REDIRECT: "--to-ports= --random",
  REJECT: "--reject-with=",
  SECMARK: "--selctx=",
  SET: "--add-set== --del-set== --map-set== --timeout= --exist --map-mark --map-prio --map-queue",
  SNAT: "--to-source= --random --random-fully --persistent",
  SNPT: "--src-pfx= --dst-pfx=",
  SYNPROXY: "--sack-perm --timestamp --wscale= --mss= --ecn",
  TCPMSS: "--set-mss= --clamp-mss-to-pmtu",
  TCPOPTSTRIP: "--strip-options=",
  TEE: "--gateway= --oif=",
  TOS: "--set-tos= --and-tos= --or-tos= --xor-tos=",
  TPROXY: "--on-port= --on-ip= --tproxy-mark=",
  TRACE: "",
  TTL: "--ttl-set= --ttl-dec= --ttl-inc=",
};

/** The options of one module by every name they have. */
export type ModuleFlags = ReadonlyMap<string, FlagInfo>;

function flagTable(text: string): ModuleFlags {
  const table = new Map<string, FlagInfo>();
  for (const group of text.split(/\s+/).filter((part) => part !== "")) {
    const names = group.split("|");
    const name = (names[0] as string).replaceAll("=", "");
    for (const written of names) {
      const flag = written.replaceAll("=", "");
      table.set(flag, { count: written.length - flag.length, open: false, role: "rule", name });
    }
  }
  return table;
}

function tables(modules: Readonly<Record<string, string>>): ReadonlyMap<string, ModuleFlags> {
  return new Map(Object.entries(modules).map(([module, text]) => [module, flagTable(text)]));
}

/** The options of each match by its module name. */
export const matchFlags: ReadonlyMap<string, ModuleFlags> = tables(matches);

/** The options of each target; a name that is not in here is a chain's or an unknown target's. */
export const targetFlags: ReadonlyMap<string, ModuleFlags> = tables(targets);

/** The options every rule can have. */
export const generalFlags: ModuleFlags = flagTable(general);

function allFlags(): ReadonlyMap<string, FlagInfo> {
  const all = new Map<string, FlagInfo>();
  for (const module of [...targetFlags.values(), ...matchFlags.values(), generalFlags]) {
    for (const [flag, info] of module) all.set(flag, info);
  }
  for (const [name, [long, count]] of Object.entries(commands)) {
    const info: FlagInfo = { count, open: true, role: "command", name };
    all.set(name, info).set(long, info);
  }
  const table: FlagInfo = { count: 1, open: false, role: "table", name: "-t" };
  all.set("-t", table).set("--table", table);
  // the number of seconds is optional
  const wait: FlagInfo = { count: 0, open: true, role: "wait", name: "-w" };
  all.set("-w", wait).set("--wait", wait).set("-W", wait).set("--wait-interval", wait);
  return all;
}

const flags = allFlags();
const unknownFlag: FlagInfo = { count: 0, open: true, role: "rule", name: "" };

/** What is known about a flag; an unknown one takes all words that follow up to the next that begins with `-` or is `!`. */
export function flagInfo(flag: string): FlagInfo {
  return flags.get(flag) ?? unknownFlag;
}
