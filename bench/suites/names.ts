import { chainHash } from "../../src/compile/iptables/names.ts";
import { portableSHA256 } from "../../src/net/sha256.ts";
import type { Case, Suite } from "../measure.ts";
import { sha256 } from "../subject.ts";

const COUNT = 5000;

function cases(): readonly Case[] {
  const texts = Array.from(
    { length: COUNT },
    (_, i) => `ns-${i % 50}/svc-${i}:httptcp10.128.${i >> 8}.${i & 255}:8080`,
  );
  const work = { count: COUNT, of: "name" };
  const total = (of: (text: string) => string) => (): number => {
    let length = 0;
    for (const text of texts) length += of(text).length;
    return length;
  };
  return [
    { name: "SHA-256 of the platform", work, run: total(sha256) },
    { name: "SHA-256, portable", work, run: total(portableSHA256) },
    { name: "chain name", work, run: total((text) => chainHash(sha256, text)) },
  ];
}

/** What naming chains costs, and how much of it is hashing. */
export const names: Suite = { title: "Names of chains", cases };
