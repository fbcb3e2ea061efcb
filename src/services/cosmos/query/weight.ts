/**
 * Values that share parts: `FROM (SELECT VALUE [a, a] FROM (SELECT VALUE [a, a] FROM ...) AS a)` doubles with every level,
 * small in memory and endless to write out. Rows of subqueries in FROM are the only way to build such values.
 */
import { tooComplex } from "./errors.ts";
import { isArray, type Value } from "./values.ts";

/** Parts, with long strings counting for more. An item of 2 MB has less. */
const maxWeight = 1_000_000;
const charactersPerPart = 32;

/** @throws QueryError when the value, written out, has too many parts */
export const requireLight = (value: Value): void => {
  if (typeof value !== "object" || value === null) return;
  let weight = 0;
  const pending: Value[] = [value];
  for (let part = pending.pop(); part !== undefined; part = pending.pop()) {
    weight += typeof part === "string" ? 1 + part.length / charactersPerPart : 1;
    if (weight > maxWeight) throw tooComplex("a value that it builds is too large");
    if (typeof part !== "object" || part === null) continue;
    const items = isArray(part) ? part : Object.values(part);
    if (items.length > maxWeight) throw tooComplex("a value that it builds is too large");
    for (const item of items) pending.push(item);
  }
};
