import { object, type Schema, string, textOf } from "../../manifest/schema.ts";
import { speak } from "../connection.ts";
import { type Deed, dialogue, type Side } from "../dialogue.ts";
import { unmet } from "../expectation.ts";
import { type ScriptPath, StepFault, type StepKind, stepKind } from "../step.ts";
import { dialogueLines, labelled, leadsTo, outcomeOf } from "../story.ts";

/** `NAME`, or `{ connection: NAME, by: server }`. */
type Value = string | { readonly connection?: string; readonly by?: Side };

const long = object({
  connection: string,
  by: textOf((text) => text === "client" || text === "server", "client or server"),
});

/** The name of a connection, or an object that says more. */
const schema: Schema = {
  check: (value, walk) => (typeof value === "string" ? value : long.check(value, walk)),
  zero: () => "",
};

const AFTERWARDS: Readonly<Partial<Record<Deed, "reset" | "closed">>> = { reset: "reset", close: "closed" };

/** A kind of step in which the ends of an open connection exchange packets. */
function speaking(deed: Exclude<Deed, "connect">, starter: Side): StepKind {
  return stepKind<Value>(
    deed,
    schema,
    (value, { at, reading, expect }) => {
      const { connection: name = "", by = starter } = typeof value === "string" ? { connection: value } : value;
      const place: ScriptPath = typeof value === "string" ? at : [...at, "connection"];
      if (!reading.connections.has(name)) {
        const known = [...reading.connections].join(", ") || "none";
        const message = `no connection ${JSON.stringify(name)} was opened before this step; known are ${known}`;
        reading.fault(place, "no-such-connection", message);
      }
      return (world) => {
        const connection = world.connections.get(name);
        if (connection === undefined)
          throw new StepFault(place, "no-such-connection", `there is no connection ${name}`);
        const lines = dialogue(connection.ends.protocol, deed, by);
        if (lines === undefined)
          throw new StepFault(
            place,
            "no-such-deed",
            `${name} is of a protocol without sessions: there is nothing to ${deed}`,
          );
        if (connection.status !== "open") {
          const outcome = { result: "not-sent", reply: "none" } as const;
          const text = labelled("not sent", `the connection is ${connection.status}`);
          const data = { connection: name, by, status: connection.status, ...outcome };
          return { title: name, lines: [text], data, failures: unmet(expect ?? {}, outcome) };
        }
        const stage = { network: world.scene.network, state: world.state, chooser: world.chooser };
        const before = leadsTo(connection);
        const { connection: now, spoken } = speak(stage, connection, lines);
        const status = AFTERWARDS[deed] ?? now.status;
        world.connections.set(name, { ...now, status });
        const outcome = outcomeOf(spoken);
        const moved = leadsTo(now) === before ? [] : [labelled("moved", `it led to ${before ?? "nobody"} before`)];
        return {
          title: by === starter ? name : `${name}, by the ${by}`,
          lines: [...dialogueLines(world.scene, spoken), ...moved],
          data: { connection: name, by, status, ...outcome },
          failures: unmet(expect ?? {}, outcome),
        };
      };
    },
    { expects: true },
  );
}

/** `send`: a further packet of the client and its answer. */
export const send: StepKind = speaking("send", "client");
/** `reply`: a packet that the server sends of its own accord. */
export const reply: StepKind = speaking("reply", "server");
/** `reset`: RST or ABORT of the client, or of the server. */
export const reset: StepKind = speaking("reset", "client");
/** `close`: the connection ends as it should, the client first, or the server. */
export const close: StepKind = speaking("close", "client");
