import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { documents, readDocument, rewritten, root } from "./examples.ts";

/** `npm run docs`: writes into the documents what their examples print. */
for (const path of documents()) {
  const text = readDocument(path);
  const now = await rewritten(text);
  if (now === text) continue;
  writeFileSync(join(root, path), now);
  console.log(`${path} written`);
}
