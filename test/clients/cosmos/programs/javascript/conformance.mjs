/** What @azure/cosmos sees, one JSON line per behaviour of ../../behaviours.ts. Reads the question from standard input. */
import { access } from "./access.mjs";
import { batches } from "./batches.mjs";
import { changes } from "./changes.mjs";
import { question, shop } from "./common.mjs";
import { itemBehaviours } from "./items.mjs";
import { queries } from "./queries.mjs";
import { scripts } from "./scripts.mjs";

for (const item of question.documents) await shop.items.upsert(item);
for (const [name, work] of Object.entries({
  ...access,
  ...itemBehaviours,
  ...batches,
  ...queries,
  ...changes,
  ...scripts,
})) {
  const line = { name };
  try {
    line.saw = await work();
  } catch (error) {
    line.error = String(error.stack ?? error);
  }
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
