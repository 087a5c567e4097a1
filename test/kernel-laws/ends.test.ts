import test from "ava";
import { foreignCases } from "../kernel/foreign.ts";
import { fuzz } from "./fuzz-run.ts";

test("slow: the walk never throws and always ends, on any packet and any rule set", (t) => {
  const { runs, failures, outcomes } = fuzz(6000, "test", foreignCases());
  t.deepEqual(failures, []);
  t.true(runs >= 6000);
  for (const kind of ["transmitted", "delivered", "dropped", "rejected", "no-route", "stuck"])
    t.true((outcomes.get(kind) ?? 0) > 0, kind);
});
