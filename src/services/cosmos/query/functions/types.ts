/** Type tests: true or false for every value, undefined included; and the conditional functions. */
import { isArray, isObject, type Value } from "../values.ts";
import { parseDateTime } from "./date-text.ts";
import { type FunctionDefinition, type FunctionTable, fixed, lenient } from "./definition.ts";

const test = (run: (value: Value) => boolean): FunctionDefinition => lenient(1, 1, run);

export const typeFunctions: FunctionTable = {
  IS_ARRAY: test(isArray),
  IS_BOOL: test((value) => typeof value === "boolean"),
  IS_DATETIME: test((value) => parseDateTime(value) !== undefined),
  IS_DEFINED: test((value) => value !== undefined),
  IS_FINITE_NUMBER: test((value) => typeof value === "number" && Number.isFinite(value)),
  IS_INTEGER: test((value) => typeof value === "number" && Number.isInteger(value)),
  IS_NULL: test((value) => value === null),
  IS_NUMBER: test((value) => typeof value === "number"),
  IS_OBJECT: test(isObject),
  IS_PRIMITIVE: test((value) => value === null || (typeof value !== "object" && value !== undefined)),
  IS_STRING: test((value) => typeof value === "string"),
  IIF: lenient(3, 3, (condition, then, otherwise) => (condition === true ? then : otherwise)),
  /** The number that the last 8 bytes of a document's `_rid` hold. */
  DOCUMENTID: fixed(1, (document) => {
    const rid = isObject(document) ? document["_rid"] : undefined;
    if (typeof rid !== "string") return undefined;
    const bytes = Buffer.from(rid.replaceAll("-", "/"), "base64");
    return bytes.length === 16 ? Number(bytes.readBigUInt64LE(8)) : undefined;
  }),
};
