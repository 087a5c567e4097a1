import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import test from "ava";
import type { ConntrackEntry } from "../../src/kernel/entry.ts";
import { type Address, makePacket, type Packet, type PacketFields } from "../../src/kernel/packet.ts";
import { parseIPv4, parseIPv6 } from "../../src/net/ip.ts";
import { makeNode } from "./node.ts";

/** Packets as they were played to a real kernel, with the addresses as text. */
type PlayedPacket = Omit<PacketFields, "src" | "dst" | "inner"> & { src: string; dst: string; inner?: PlayedPacket };
type Step = readonly [at: number, packet: PlayedPacket, state: string, table: readonly string[]];
interface Flow {
  readonly flow: string;
  readonly steps: readonly Step[];
}

const file = fileURLToPath(new URL("../../../test/conntrack/kernel-flows.jsonl", import.meta.url));
const flows = readFileSync(file, "utf8")
  .split("\n")
  .filter((line) => line.startsWith("{"))
  .map((line) => JSON.parse(line) as Flow);

const address = (text: string): Address => parseIPv6(text) ?? (parseIPv4(text) as number);

function packetOf(played: PlayedPacket): Packet {
  const { src, dst, inner, ...rest } = played;
  const quoted = inner === undefined ? {} : { inner: packetOf(inner) };
  // the recorder leaves out what is empty
  return makePacket({ options: [], ...rest, src: address(src), dst: address(dst), ...quoted });
}

/** Protocol, state and flags of an entry, without its seconds. */
function shown(entry: ConntrackEntry): string {
  const { protocolState } = entry;
  const state = protocolState === undefined || protocolState.kind === "udp" ? "-" : protocolState.state;
  const flags = `${entry.seenReply ? "" : " UNREPLIED"}${entry.assured ? " ASSURED" : ""}`;
  return `${entry.original.protocol} ${state}${flags}`;
}

const withoutSeconds = (line: string): string => line.replace(/^(\d+) \d+/, "$1");
const secondsOf = (line: string): number => Number(line.split(" ")[1]);

/** The first difference between a flow as it was seen and as it is tracked here. */
function difference(flow: Flow): string | undefined {
  const node = makeNode();
  let now = 0;
  for (const [index, [at, played, state, table]] of flow.steps.entries()) {
    node.state.advance(at - now);
    now = at;
    const skb = node.send(packetOf(played));
    const seen = skb.state === "none" ? "INVALID" : skb.state.toUpperCase();
    if (seen !== state) return `${flow.flow} packet ${index}: ${seen} instead of ${state}`;
    const living = node.entries().filter((entry) => entry.expires > now);
    const mine = living.map(shown).sort();
    const theirs = table.map(withoutSeconds).sort();
    if (mine.join() !== theirs.join()) return `${flow.flow} packet ${index}: ${mine} instead of ${theirs}`;
    // the kernel shows whole seconds, and its clock went on while it was asked
    const left = living.map((entry) => (entry.expires - now) / 1000).sort((a, b) => a - b);
    const wanted = table.map(secondsOf).sort((a, b) => a - b);
    if (left.some((value, i) => Math.abs(value - (wanted[i] ?? 0)) > 1.01))
      return `${flow.flow} packet ${index}: ${left} s left instead of ${wanted}`;
  }
  return undefined;
}

test("recorded flows are tracked as a real kernel tracked them", (t) => {
  t.true(flows.length >= 200);
  t.deepEqual(
    flows.map(difference).filter((found) => found !== undefined),
    [],
  );
});
