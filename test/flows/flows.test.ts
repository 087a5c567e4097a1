import test from "ava";
import { countRows, readFlows } from "./flow-table.ts";
import { playFlow } from "./play.ts";

const flows = readFlows();

for (const flow of flows) {
  test(flow.name, (t) => {
    for (const backend of flow.backends) {
      for (const indexed of [false, true]) {
        const failure = playFlow(flow, backend, indexed);
        t.is(failure && `line ${failure.line}: ${failure.text}`, undefined);
      }
    }
  });
}

test("the tables have the rows that they are to have", (t) => {
  t.true(countRows(flows) >= 600, `${countRows(flows)} rows`);
});
