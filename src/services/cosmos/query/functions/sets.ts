/** Arrays as sets: results hold every value once, in the order of first appearance. */
import { isArray, type Json, keyOf, type Value } from "../values.ts";
import { fixed, type FunctionDefinition, type FunctionTable } from "./definition.ts";

type Members = ReadonlyMap<string, Json>;

const members = (items: readonly Json[]): Members => {
  const found = new Map<string, Json>();
  for (const item of items) {
    const key = keyOf(item);
    if (!found.has(key)) found.set(key, item);
  }
  return found;
};

const onSets = (compute: (left: Members, right: Members) => Value): FunctionDefinition =>
  fixed(2, (left, right) => (isArray(left) && isArray(right) ? compute(members(left), members(right)) : undefined));

const filtered = (set: Members, keep: (key: string) => boolean): Json[] =>
  [...set].filter(([key]) => keep(key)).map(([, item]) => item);

export const setFunctions: FunctionTable = {
  SETINTERSECT: onSets((left, right) => filtered(left, (key) => right.has(key))),
  SETUNION: onSets((left, right) => [...left.values(), ...filtered(right, (key) => !left.has(key))]),
  SETDIFFERENCE: onSets((left, right) => filtered(left, (key) => !right.has(key))),
  SETEQUAL: onSets((left, right) => left.size === right.size && [...left.keys()].every((key) => right.has(key))),
};
