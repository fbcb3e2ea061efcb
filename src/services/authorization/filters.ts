/** The `$filter` expressions that clients of Microsoft.Authorization send: a few functions and equalities joined by `and`. */
import type { ArmCall } from "../../arm/resource-type.ts";
import { queryValue } from "../../kernel/message.ts";
import { authorizationFault } from "./faults.ts";

/** `atScope()` -> { atscope: "" }, `principalId eq 'x'` -> { principalid: "x" }, `assignedTo('x')` -> { assignedto: "x" }. */
export type Filter = ReadonlyMap<string, string>;

const term = /^\s*(?:(\w+)\(\s*(?:'((?:[^']|'')*)')?\s*\)|(\w+)\s+eq\s+'((?:[^']|'')*)')\s*$/i;

/** @throws 400 UnsupportedQuery for anything but the supported terms (lower-case names) */
export const filterOf = (call: ArmCall, supported: readonly string[]): Filter => {
  const text = queryValue(call.request, "$filter");
  const filter = new Map<string, string>();
  if (text === undefined || text.trim() === "") return filter;
  for (const part of text.split(/\s+and\s+/i)) {
    const found = term.exec(part);
    const name = (found?.[1] ?? found?.[3])?.toLowerCase();
    if (found === null || name === undefined || !supported.includes(name)) {
      throw authorizationFault("invalidFilter", { filter: text.slice(0, 200), supported: supported.join(", ") });
    }
    filter.set(name, (found[2] ?? found[4] ?? "").replaceAll("''", "'"));
  }
  return filter;
};
