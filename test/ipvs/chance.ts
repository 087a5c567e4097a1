import { seededChooser } from "../../src/kernel/chooser/seeded.ts";
import type { Chooser } from "../../src/kernel/chooser.ts";
import type { Packet } from "../../src/kernel/packet.ts";

/** What the emulator asked while it walked a packet. */
export interface Asked {
  /** The kernel draws a number there. */
  drew: boolean;
  /** None of the numbers that were seen is possible there: one was made up. */
  guessed: boolean;
  /** What it could not decide, in words. */
  readonly unknown: string[];
}

/** Ports and identifiers that packets show: among them are those that the kernel drew. */
export function numbersIn(packets: readonly (Packet | undefined)[]): readonly number[] {
  const found = new Set<number>();
  const visit = (packet: Packet | undefined): void => {
    if (packet === undefined) return;
    for (const number of [packet.sport, packet.icmpId, packet.dport]) found.add(number);
    visit(packet.inner);
  };
  packets.forEach(visit);
  return [...found];
}

/** Takes the numbers that the kernel drew from those seen, where they are possible, and tells what was asked. */
export function followingChooser(numbers: readonly number[], asked: Asked): Chooser {
  const seeded = seededChooser("plan");
  return {
    ...seeded,
    knowsPorts: true,
    port: (range, isFree) => {
      asked.drew = true;
      const seen = numbers.find((number) => number >= range.from && number <= range.to && isFree(number));
      asked.guessed ||= seen === undefined;
      return seen ?? seeded.port(range, isFree);
    },
    share: (shares) => {
      asked.drew = true;
      return seeded.share(shares);
    },
    unknown: ({ what }) => {
      asked.unknown.push(what);
      return false;
    },
  };
}
