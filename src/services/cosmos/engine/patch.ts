/** Partial document update (cosmos.md 7; https://learn.microsoft.com/azure/cosmos-db/partial-document-update). */
import { badRequest } from "../faults.ts";
import { isObject } from "./definition.ts";
import { type Json, type JsonObject, textOf } from "./records.ts";

type Container = Json[] | Record<string, Json>;

export interface Patch {
  /** `FROM c WHERE ...`; undefined: unconditional. */
  readonly condition: string | undefined;
  readonly operations: readonly JsonObject[];
}

const names = ["add", "set", "replace", "remove", "incr", "increment", "move"];

/** @param body a bare array of operations, or `{condition, operations}` @throws 400 */
export const readPatch = (body: unknown): Patch => {
  const operations: unknown = Array.isArray(body) ? body : isObject(body) ? body["operations"] : undefined;
  if (!Array.isArray(operations) || operations.length === 0)
    throw badRequest("The input patch must name at least one operation.");
  if (operations.length > 10) throw badRequest("The number of patch operations can't exceed '10'.");
  const condition = isObject(body) ? body["condition"] : undefined;
  return {
    condition: typeof condition === "string" && condition.trim() !== "" ? condition : undefined,
    operations: operations.map((operation: unknown) => {
      if (!isObject(operation) || !names.includes(textOf(operation["op"]).toLowerCase()))
        throw badRequest("The input patch has an operation that is none of add, set, replace, remove, incr and move.");
      return operation;
    }),
  };
};

const decode = (step: string): string => step.replaceAll("~1", "/").replaceAll("~0", "~");

const stepsOf = (path: Json | undefined, number: number): string[] => {
  if (typeof path !== "string" || !path.startsWith("/") || path === "/")
    throw badRequest(`For Operation(${number}): The path must begin with '/' and name a property.`);
  return path.slice(1).split("/").map(decode);
};

const help = "Learn more: https://aka.ms/cosmosdbpatchdocs";

/** Applies operations to a copy. @param frozen paths that no patch may touch: id, partition key, system properties */
export const applyPatch = (document: JsonObject, patch: Patch, frozen: readonly string[]): JsonObject => {
  const root = structuredClone(document) as Record<string, Json>;
  for (const [index, operation] of patch.operations.entries()) applyOne(root, operation, index + 1, frozen);
  return root;
};

const applyOne = (
  root: Record<string, Json>,
  operation: JsonObject,
  number: number,
  frozen: readonly string[],
): void => {
  const name = textOf(operation["op"]).toLowerCase();
  const steps = stepsOf(operation["path"], number);
  for (const path of [operation["path"], ...(name === "move" ? [operation["from"]] : [])])
    if (frozen.some((each) => path === each || textOf(path).startsWith(`${each}/`)))
      throw badRequest(
        `For Operation(${number}): The path '${textOf(path)}' belongs to the id, the partition key or a system property and cannot be patched. ${help}`,
      );
  if (name === "move") {
    const from = stepsOf(operation["from"], number);
    if (steps.length > from.length && from.every((step, at) => step === steps[at]))
      throw badRequest(
        `For Operation(${number}): The 'path' attribute can't be a JSON child of the 'from' JSON location. ${help}`,
      );
    const moved = remove(root, from, number, "Move");
    return put(root, steps, moved, number, "Move", "set");
  }
  if (name === "remove") return void remove(root, steps, number, "Remove");
  const value = operation["value"];
  if (value === undefined) throw badRequest(`For Operation(${number}): The value is missing. ${help}`);
  if (name === "incr" || name === "increment") return increment(root, steps, value, number);
  put(root, steps, value, number, name === "add" ? "Add" : name === "set" ? "Set" : "Replace", name as "add");
};

/** What holds the last step of a path. */
const parentOf = (root: Record<string, Json>, steps: readonly string[], number: number, verb: string): Container => {
  let at: Json | Container = root;
  for (const step of steps.slice(0, -1)) {
    const next: Json | undefined = Array.isArray(at)
      ? (at as Json[])[indexOf(step, (at as Json[]).length - 1, number)]
      : Object.hasOwn(at, step)
        ? (at as JsonObject)[step]
        : undefined;
    if (typeof next !== "object" || next === null) {
      if (verb === "Remove" || verb === "Replace" || verb === "Move") throw noPath(number, verb, step);
      throw badRequest(
        `For Operation(${number}): ${verb} Operation can only create a child object of an existing node(array or object) and cannot create path recursively, no path found beyond: '${step}'. ${help}`,
      );
    }
    at = next;
  }
  return at as Container;
};

const noPath = (number: number, verb: string, step: string): Error =>
  badRequest(`For Operation(${number}): ${verb} Operation failed because the path does not exist: '${step}'. ${help}`);

const indexOf = (step: string, last: number, number: number): number => {
  if (!/^(?:0|[1-9]\d*)$/.test(step) || Number(step) > last)
    throw badRequest(`For Operation(${number}): The array index '${step}' is out of bounds. ${help}`);
  return Number(step);
};

const define = (target: Record<string, Json>, name: string, value: Json): void => {
  Object.defineProperty(target, name, { value, writable: true, enumerable: true, configurable: true });
};

const put = (
  root: Record<string, Json>,
  steps: readonly string[],
  value: Json,
  number: number,
  verb: string,
  how: "add" | "set" | "replace",
): void => {
  const parent = parentOf(root, steps, number, verb);
  const last = steps.at(-1) ?? "";
  if (Array.isArray(parent)) {
    if (how !== "replace" && last === "-") parent.push(value);
    else if (how === "add") parent.splice(indexOf(last, parent.length, number), 0, value);
    else if (how === "set" && last === String(parent.length)) parent.push(value);
    else parent[indexOf(last, parent.length - 1, number)] = value;
    return;
  }
  if (how === "replace" && !Object.hasOwn(parent, last)) throw noPath(number, verb, last);
  define(parent, last, value);
};

const remove = (root: Record<string, Json>, steps: readonly string[], number: number, verb: string): Json => {
  const parent = parentOf(root, steps, number, verb);
  const last = steps.at(-1) ?? "";
  if (Array.isArray(parent)) return parent.splice(indexOf(last, parent.length - 1, number), 1)[0] as Json;
  const value = Object.hasOwn(parent, last) ? parent[last] : undefined;
  if (value === undefined) throw noPath(number, verb, last);
  delete parent[last];
  return value;
};

const increment = (root: Record<string, Json>, steps: readonly string[], by: Json, number: number): void => {
  if (typeof by !== "number") throw badRequest(`For Operation(${number}): The increment must be a number. ${help}`);
  const parent = parentOf(root, steps, number, "Increment");
  const last = steps.at(-1) ?? "";
  const key = Array.isArray(parent) ? indexOf(last, parent.length - 1, number) : last;
  const before = Object.hasOwn(parent, key) ? (parent as Record<string | number, Json>)[key] : 0;
  if (typeof before !== "number")
    throw badRequest(
      `For Operation(${number}): The value at '${last}' is not a number and cannot be incremented. ${help}`,
    );
  if (Array.isArray(parent)) parent[key as number] = before + by;
  else define(parent, last, before + by);
};
