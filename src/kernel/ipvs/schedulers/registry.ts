import { type Scheduler as SchedulerName, schedulers } from "../../../rules/ipvs/model.ts";
import { dh } from "./dh.ts";
import { fo } from "./fo.ts";
import { lblc } from "./lblc.ts";
import { lblcr } from "./lblcr.ts";
import { lc } from "./lc.ts";
import { mh } from "./mh.ts";
import { nq } from "./nq.ts";
import { ovf } from "./ovf.ts";
import { rr } from "./rr.ts";
import type { AnyScheduler, Scheduler } from "./scheduler.ts";
import { sed } from "./sed.ts";
import { sh } from "./sh.ts";
import { twos } from "./twos.ts";
import { wlc } from "./wlc.ts";
import { wrr } from "./wrr.ts";

/** What a scheduler remembers is given back to it alone: each service has one scheduler, and its memory starts anew with another. */
const sealed = <Memory>(scheduler: Scheduler<Memory>): AnyScheduler => scheduler as AnyScheduler;

/** One for each name: a name without one does not compile. */
const byName: Readonly<Record<SchedulerName, AnyScheduler>> = {
  rr: sealed(rr),
  wrr: sealed(wrr),
  lc: sealed(lc),
  wlc: sealed(wlc),
  sh: sealed(sh),
  dh: sealed(dh),
  mh: sealed(mh),
  sed: sealed(sed),
  nq: sealed(nq),
  lblc: sealed(lblc),
  lblcr: sealed(lblcr),
  fo: sealed(fo),
  ovf: sealed(ovf),
  twos: sealed(twos),
};

/** A scheduler by its name; a name that the kernel does not have has none. */
export function schedulerOf(name: SchedulerName | { readonly unknown: string }): AnyScheduler | undefined {
  return typeof name === "string" && schedulers.includes(name) ? byName[name] : undefined;
}
