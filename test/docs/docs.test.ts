import test from "ava";
import { documents, examplesOf, readDocument, run } from "./examples.ts";

for (const path of documents()) {
  const examples = examplesOf(readDocument(path));
  if (path !== "README.md") test(`${path} has an example`, (t) => t.true(examples.length > 0));
  for (const { command, printed } of examples)
    test(`slow: ${path} prints what it says: ${command}`, async (t) => {
      t.is(await run(command), printed, "npm run docs writes what is printed now");
    });
}
