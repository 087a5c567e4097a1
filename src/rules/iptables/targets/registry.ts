import type { RuleModule } from "../module.ts";
import { type ConnmarkTarget, connmarkTargetModule } from "./connmark.ts";
import { type CTTarget, ctModule } from "./ct.ts";
import { type LogTarget, logModule, type NFLogTarget, nflogModule } from "./log.ts";
import { type MarkTarget, markTargetModule } from "./mark.ts";
import {
  type DNATTarget,
  dnatModule,
  type MasqueradeTarget,
  masqueradeModule,
  type NetmapTarget,
  netmapModule,
  type RedirectTarget,
  redirectModule,
  type SNATTarget,
  snatModule,
} from "./nat.ts";
import { type RejectTarget, rejectModule } from "./reject.ts";
import { type TCPMSSTarget, tcpmssModule } from "./tcpmss.ts";
import { type TPROXYTarget, tproxyModule } from "./tproxy.ts";
import {
  type AcceptTarget,
  acceptModule,
  type DropTarget,
  dropModule,
  type NotrackTarget,
  notrackModule,
  type ReturnTarget,
  returnModule,
  type TraceTarget,
  traceModule,
} from "./verdict.ts";

/** The targets whose meaning is modelled, by name. */
export type KnownTarget =
  | AcceptTarget
  | ConnmarkTarget
  | CTTarget
  | DNATTarget
  | DropTarget
  | LogTarget
  | MarkTarget
  | MasqueradeTarget
  | NetmapTarget
  | NFLogTarget
  | NotrackTarget
  | RedirectTarget
  | RejectTarget
  | ReturnTarget
  | SNATTarget
  | TCPMSSTarget
  | TPROXYTarget
  | TraceTarget;

type Registry = { readonly [K in KnownTarget["kind"]]: RuleModule<Extract<KnownTarget, { readonly kind: K }>> };

/** One module for each kind: a kind without one does not compile. */
export const targetModules: Registry = {
  ACCEPT: acceptModule,
  CONNMARK: connmarkTargetModule,
  CT: ctModule,
  DNAT: dnatModule,
  DROP: dropModule,
  LOG: logModule,
  MARK: markTargetModule,
  MASQUERADE: masqueradeModule,
  NETMAP: netmapModule,
  NFLOG: nflogModule,
  NOTRACK: notrackModule,
  REDIRECT: redirectModule,
  REJECT: rejectModule,
  RETURN: returnModule,
  SNAT: snatModule,
  TCPMSS: tcpmssModule,
  TPROXY: tproxyModule,
  TRACE: traceModule,
};

/** The module of a name, or `undefined` when it is a chain's or its meaning is not modelled. */
export function targetModule(name: string): RuleModule<KnownTarget> | undefined {
  return Object.hasOwn(targetModules, name)
    ? (targetModules[name as KnownTarget["kind"]] as RuleModule<KnownTarget>)
    : undefined;
}
