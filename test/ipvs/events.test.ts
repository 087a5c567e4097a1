import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Ajv2020 } from "ajv/dist/2020.js";
import test from "ava";
import type { Event } from "../../src/kernel/event.ts";
import { seededRandom } from "../../src/net/random.ts";
import { eventJSON, outcomeJSON } from "../../src/trace/json.ts";
import { type Happening, stepsOf } from "../../src/trace/steps.ts";
import { freshNode } from "./fresh-node.ts";
import { Lab } from "./lab.ts";
import { Planner } from "./plan.ts";
import { certainSchedulers } from "./test-node.ts";

const path = fileURLToPath(new URL("../../../docs/trace.schema.json", import.meta.url));
const { $defs } = JSON.parse(readFileSync(path, "utf8")) as { readonly $defs: object };
const ajv = new Ajv2020({ allErrors: true, strict: true });
const isEvent = ajv.compile({ $defs, $ref: "#/$defs/event" });
const isOutcome = ajv.compile({ $defs, $ref: "#/$defs/outcome" });

const noNames = { holder: () => undefined, why: () => undefined } as unknown as Parameters<typeof eventJSON>[2];

test("what ip_vs does is told as the schema says, and each step of it stands in a story", (t) => {
  const kinds = new Map<string, number>();
  for (let seed = 0; seed < 6; seed++) {
    const random = seededRandom(`events ${seed}`);
    const given = [0, 1, 2, 3].map((i) => certainSchedulers[(seed * 4 + i) % certainSchedulers.length] as string);
    const node = freshNode(seed % 2 === 0 ? "IPv4" : "IPv6", given, random.fork("node"));
    const lab = new Lab(node.words, true);
    const planned = new Planner(new Lab(node.words, true), node, random.fork("packets")).plan(150);
    for (const step of planned) {
      if (step.kind === "change") lab.load({ ipvs: `${step.line}\n` });
      if (step.kind === "sleep") lab.advance(step.ms);
      if (step.kind !== "packet") continue;
      const events: Event[] = [];
      const results = lab.recorded(step.packet, step.from, (event) => events.push(event));
      for (const event of events) {
        const json = JSON.parse(JSON.stringify(eventJSON(lab.host, "node", noNames, event)));
        t.true(isEvent(json), `${JSON.stringify(json)}: ${ajv.errorsText(isEvent.errors)}`);
        const reason = event.kind === "virtual-server" ? (event.chosen?.reason.kind ?? "nobody") : "";
        const what = event.kind === "ipvs-connection" ? event.what : reason;
        kinds.set(what, (kinds.get(what) ?? 0) + 1);
      }
      for (const { outcome } of results) {
        const json = JSON.parse(JSON.stringify(outcomeJSON(outcome)));
        t.true(isOutcome(json), `${JSON.stringify(json)}: ${ajv.errorsText(isOutcome.errors)}`);
      }
      const told = stepsOf(events, { everything: false, isPlumbing: () => false, isTelling: () => false })
        .flatMap((each): readonly Happening[] => (each.kind === "hook" ? each.happenings : []))
        .filter(({ kind }) => kind === "virtual-server" || kind === "ipvs-connection").length;
      t.is(told, events.filter(({ kind }) => kind === "virtual-server" || kind === "ipvs-connection").length);
    }
  }
  for (const what of ["new", "request", "reply", "error", "nobody", "position", "least-connections", "hash-bucket"])
    t.true((kinds.get(what) ?? 0) > 0, `no ${what}`);
  t.true((kinds.get("template") ?? 0) > 0);
});
