/** Reading what a request asks to be written: every member is checked, and an unknown one refused by name. */
import type { Fault } from "../../kernel/fault.ts";
import { graphFault } from "./faults.ts";
import type { Json } from "./filter.ts";

export const bad = (why: string): Fault => graphFault("badRequest", { why });

const isJson = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value);

/** The body as an object. @throws Fault 400 */
export const objectIn = (body: unknown): Json => {
  if (!isJson(body)) throw bad("Empty Payload. JSON content expected.");
  return body;
};

/** Objects of a list; undefined when the member is absent. @throws Fault 400 */
export const objectsIn = (body: Json, name: string): readonly Json[] | undefined => {
  const value = body[name];
  if (value === undefined) return undefined;
  if (!Array.isArray(value) || !value.every(isJson)) throw bad(`Property '${name}' must be a collection of objects.`);
  return value;
};

/** Text of 1 to `most` characters; undefined when absent or null. @throws Fault 400 */
export const textIn = (body: Json, name: string, most = 256): string | undefined => {
  const value = body[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "string") throw bad(`Property '${name}' must be a string.`);
  // Names are looked up, and handed to databases: what no text can hold is no name.
  const isText = value.isWellFormed() && !value.includes("\0");
  if (value === "" || value.length > most || !isText)
    throw bad(`Invalid value specified for property '${name}' of resource.`);
  return value;
};

/** @throws Fault 400 when it is absent */
export const requiredText = (body: Json, name: string, resource: string, most = 256): string => {
  const value = textIn(body, name, most);
  if (value === undefined) throw bad(`A value is required for property '${name}' of resource '${resource}'.`);
  return value;
};

/** Texts of a list; undefined when absent. @throws Fault 400 */
export const textsIn = (body: Json, name: string): readonly string[] | undefined => {
  const value = body[name];
  if (value === undefined) return undefined;
  if (!Array.isArray(value) || value.length > 1000 || !value.every((each) => typeof each === "string"))
    throw bad(`Property '${name}' must be a collection of strings.`);
  return value;
};

/** @throws Fault 400 */
export const booleanIn = (body: Json, name: string): boolean | undefined => {
  const value = body[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "boolean") throw bad(`Property '${name}' must be a boolean.`);
  return value;
};

/** Milliseconds since the epoch. @throws Fault 400 */
export const timeIn = (body: Json, name: string): number | undefined => {
  const text = textIn(body, name, 64);
  if (text === undefined) return undefined;
  const time = Date.parse(text);
  if (!/^\d{4}-\d\d-\d\dT/.test(text) || Number.isNaN(time))
    throw bad(`Invalid value specified for property '${name}' of resource.`);
  return time;
};

/** @throws Fault 400 naming the first member that is not among `known` */
export const onlyKnown = (body: Json, known: readonly string[]): void => {
  const unknown = Object.keys(body).find((name) => !name.startsWith("@") && !known.includes(name));
  if (unknown !== undefined) throw bad(`Invalid property '${unknown.slice(0, 100)}'.`);
};

/** The object that a reference means: `{"@odata.id": "https://graph.microsoft.com/v1.0/directoryObjects/{id}"}`. */
export const referenceIn = (body: unknown): string => {
  const link = objectIn(body)["@odata.id"];
  const id = typeof link === "string" ? /\/([0-9a-f-]{36})\/?$/i.exec(link)?.[1] : undefined;
  if (id === undefined) throw bad("The '@odata.id' of the reference must be the address of a directory object.");
  return id.toLowerCase();
};
