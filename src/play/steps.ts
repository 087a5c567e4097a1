import type { StepKind } from "./step.ts";
import { apply } from "./steps/apply.ts";
import { connect } from "./steps/connect.ts";
import { remove } from "./steps/delete.ts";
import { endpoint } from "./steps/endpoint.ts";
import { expect } from "./steps/expect.ts";
import { restart } from "./steps/restart.ts";
import { show } from "./steps/show.ts";
import { close, reply, reset, send } from "./steps/speaking.ts";
import { wait } from "./steps/wait.ts";

/** Every kind of step, in the order of the documentation. */
export const stepKinds: readonly StepKind[] = [
  connect,
  send,
  reply,
  reset,
  close,
  wait,
  endpoint,
  apply,
  remove,
  restart,
  show,
  expect,
];
