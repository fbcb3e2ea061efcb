/** Partition key values: read from documents and headers, as text for keys, and as EPKs (effective partition keys). */
import { badRequest, cosmosFault } from "../faults.ts";
import { effectivePartitionKey, hashedKey } from "./epk.ts";
import type { Json, JsonObject, KeyValues, PartitionKeyDefinition } from "./records.ts";

/** Steps of a path: `/a/b`, `/"a b"/c`. */
export const stepsOf = (path: string): readonly string[] => {
  const found = knownSteps.get(path);
  if (found !== undefined) return found;
  const steps = [...path.matchAll(/\/(?:"((?:[^"\\]|\\.)*)"|([^/]*))/g)]
    .map(([, quoted, plain]) => quoted ?? plain ?? "")
    .filter((step) => step !== "");
  if (knownSteps.size >= 1000) knownSteps.clear();
  knownSteps.set(path, steps);
  return steps;
};

/** Paths of partition and unique keys: of definitions, so few. */
const knownSteps = new Map<string, readonly string[]>();

export const valueAt = (document: Json | undefined, steps: readonly string[]): Json | undefined => {
  let value: Json | undefined = document;
  for (const step of steps) {
    if (typeof value !== "object" || value === null || Array.isArray(value) || !Object.hasOwn(value, step))
      return undefined;
    value = (value as JsonObject)[step];
  }
  return value;
};

export const keyOfDocument = (document: JsonObject, { paths }: PartitionKeyDefinition): KeyValues =>
  paths.map((path) => {
    const value = valueAt(document, stepsOf(path));
    if (typeof value === "object" && value !== null)
      throw badRequest(`The partition key value at '${path}' is an array or an object, which no key may be.`, 1001);
    return keyValue(value);
  });

/** JSON has one zero, and no text for a number that is too large: each value must be found again by its text. */
const keyValue = (value: KeyValues[number]): KeyValues[number] => {
  if (typeof value !== "number") return value;
  if (!Number.isFinite(value)) throw badRequest("A number in the partition key is too large.");
  return value + 0;
};

/** https://learn.microsoft.com/azure/cosmos-db/concepts-limits: of all levels together, in bytes. */
const largestKey = 2048;

const checkSize = (values: readonly unknown[]): void => {
  let size = 0;
  for (const value of values) if (typeof value === "string") size += Buffer.byteLength(value);
  if (size > largestKey)
    throw badRequest(`The partition key is too large: it has ${size} bytes, and ${largestKey} are allowed.`);
};

/** Values as clients send them: undefined is `{}`, and `[]` is the key of items that have none. @throws 400 */
export const parseKey = (text: string, definition: PartitionKeyDefinition): KeyValues => {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    given = undefined;
  }
  if (!Array.isArray(given)) throw badRequest(`Partition key ${text.slice(0, 100)} is invalid.`);
  if (given.length > definition.paths.length)
    throw badRequest("Partition key provided has more values than the definition of the container has paths.");
  checkSize(given);
  if (given.length === 0) return definition.paths.map(() => undefined);
  return given.map((value: unknown) => {
    if (value === null || typeof value === "string" || typeof value === "number" || typeof value === "boolean")
      return keyValue(value);
    if (typeof value === "object" && Object.keys(value ?? {}).length === 0) return undefined;
    throw badRequest(`Partition key ${text.slice(0, 100)} is invalid.`);
  });
};

/** A complete key. @throws 400 for a missing or partial one */
export const fullKey = (text: string | undefined, definition: PartitionKeyDefinition): KeyValues => {
  if (text === undefined || text === "") throw cosmosFault("missingPartitionKey");
  const values = parseKey(text, definition);
  if (values.length < definition.paths.length)
    throw cosmosFault("wrongPartitionKey", {}, { detail: { subStatus: 1001 } });
  return values;
};

/** Both are full keys of one definition. */
export const sameKey = (left: KeyValues, right: KeyValues): boolean =>
  left.length === right.length && left.every((value, index) => value === right[index]);

/** What the keys of all items of one logical partition begin with. No value can forge another's: JSON ends where it ends. */
export const partitionPrefix = (values: KeyValues, definition: PartitionKeyDefinition): string => {
  const { epk, text } = hashedKey(values, definition);
  return `${epk}|${text}|`;
};

/** Whether an item's key lies below a complete or partial key. */
export const belongsTo = (values: KeyValues, definition: PartitionKeyDefinition): ((itemKey: string) => boolean) => {
  const { epk, text } = hashedKey(values, definition);
  // `[1` before `]`: what the texts of all longer keys begin with.
  const start = values.length === definition.paths.length ? `${text}|` : `${text.slice(0, -1)},`;
  return (itemKey) => itemKey.startsWith(epk) && itemKey.startsWith(start, itemKey.indexOf("|") + 1);
};

/** What item keys below a complete or partial key begin with; a superset for `belongsTo` to check. */
export const scanPrefix = (values: KeyValues, definition: PartitionKeyDefinition): string =>
  values.length === definition.paths.length
    ? partitionPrefix(values, definition)
    : effectivePartitionKey(values, definition);

export const epkOfKey = (itemKey: string): string => itemKey.slice(0, itemKey.indexOf("|"));

export const itemKey = (values: KeyValues, id: string, definition: PartitionKeyDefinition): string =>
  partitionPrefix(values, definition) + id;
