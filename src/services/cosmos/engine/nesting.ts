import { badRequest } from "../faults.ts";
import type { Json, JsonObject } from "./records.ts";

/** https://learn.microsoft.com/azure/cosmos-db/concepts-limits: levels of objects and arrays. */
const deepest = 128;

const isDeeper = (value: Json, levels: number): boolean => {
  if (typeof value !== "object" || value === null) return false;
  if (levels === 0) return true;
  if (Array.isArray(value)) return (value as readonly Json[]).some((element) => isDeeper(element, levels - 1));
  for (const name in value as JsonObject) if (isDeeper((value as JsonObject)[name] as Json, levels - 1)) return true;
  return false;
};

/** @throws 400 */
export const checkNesting = (value: Json): void => {
  if (isDeeper(value, deepest))
    throw badRequest(`The input content is invalid: it is nested more than ${deepest} levels deep.`);
};
