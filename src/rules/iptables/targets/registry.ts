import type { RuleModule } from "../module.ts";
import { type AuditTarget, auditModule } from "./audit.ts";
import { type ChecksumTarget, checksumModule } from "./checksum.ts";
import { type ClassifyTarget, classifyModule } from "./classify.ts";
import { type ConnmarkTarget, connmarkTargetModule } from "./connmark.ts";
import { type CTTarget, ctModule } from "./ct.ts";
import { type DSCPTarget, dscpTargetModule } from "./dscp.ts";
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
import { type NFQueueTarget, nfqueueModule } from "./nfqueue.ts";
import { type RejectTarget, rejectModule } from "./reject.ts";
import { type SetTarget, setTargetModule } from "./set.ts";
import { type TCPMSSTarget, tcpmssModule } from "./tcpmss.ts";
import { type TeeTarget, teeModule } from "./tee.ts";
import { type TOSTarget, tosTargetModule } from "./tos.ts";
import { type TPROXYTarget, tproxyModule } from "./tproxy.ts";
import { type HLTarget, hlTargetModule, type TTLTarget, ttlTargetModule } from "./ttl.ts";
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
  | AuditTarget
  | ChecksumTarget
  | ClassifyTarget
  | ConnmarkTarget
  | CTTarget
  | DNATTarget
  | DropTarget
  | DSCPTarget
  | HLTarget
  | LogTarget
  | MarkTarget
  | MasqueradeTarget
  | NetmapTarget
  | NFLogTarget
  | NFQueueTarget
  | NotrackTarget
  | RedirectTarget
  | RejectTarget
  | ReturnTarget
  | SetTarget
  | SNATTarget
  | TCPMSSTarget
  | TeeTarget
  | TOSTarget
  | TPROXYTarget
  | TraceTarget
  | TTLTarget;

type Registry = { readonly [K in KnownTarget["kind"]]: RuleModule<Extract<KnownTarget, { readonly kind: K }>> };

/** One module for each kind: a kind without one does not compile. */
export const targetModules: Registry = {
  ACCEPT: acceptModule,
  AUDIT: auditModule,
  CHECKSUM: checksumModule,
  CLASSIFY: classifyModule,
  CONNMARK: connmarkTargetModule,
  CT: ctModule,
  DNAT: dnatModule,
  DROP: dropModule,
  DSCP: dscpTargetModule,
  HL: hlTargetModule,
  LOG: logModule,
  MARK: markTargetModule,
  MASQUERADE: masqueradeModule,
  NETMAP: netmapModule,
  NFLOG: nflogModule,
  NFQUEUE: nfqueueModule,
  NOTRACK: notrackModule,
  REDIRECT: redirectModule,
  REJECT: rejectModule,
  RETURN: returnModule,
  SET: setTargetModule,
  SNAT: snatModule,
  TCPMSS: tcpmssModule,
  TEE: teeModule,
  TOS: tosTargetModule,
  TPROXY: tproxyModule,
  TRACE: traceModule,
  TTL: ttlTargetModule,
};

/** The module of a name, or `undefined` when it is a chain's or its meaning is not modelled. */
export function targetModule(name: string): RuleModule<KnownTarget> | undefined {
  return Object.hasOwn(targetModules, name)
    ? (targetModules[name as KnownTarget["kind"]] as RuleModule<KnownTarget>)
    : undefined;
}
