/** Which composite index an ORDER BY over several paths needs, and whether a policy has it. */
import type { Query } from "./ast.ts";
import { orderPaths } from "./ranges.ts";

export interface CompositePath {
  /** As indexing policies write paths: `/a/b`. */
  readonly path: string;
  readonly order: "ascending" | "descending";
}

const plain = /^[\p{L}_$][\p{L}\p{N}_$]*$/u;

/** `["a", "b c"]` to `/a/"b c"`. */
export const policyPath = (path: readonly (string | number)[]): string =>
  path
    .map((part) => (typeof part === "number" ? "/[]" : plain.test(part) ? `/${part}` : `/${JSON.stringify(part)}`))
    .join("");

/** Undefined: the query needs none (one path or no ORDER BY). */
export const compositeIndexNeeded = (query: Query): readonly CompositePath[] | undefined => {
  if (query.orderBy.length < 2) return undefined;
  const paths = orderPaths(query);
  return paths?.map(({ path, descending }) => ({
    path: policyPath(path),
    order: descending ? "descending" : "ascending",
  }));
};

const trimmed = (path: string): string => path.replace(/\/\?$/, "");

/** The same paths in the same sequence, with all directions as wanted or all reversed. */
export const servesOrder = (index: readonly CompositePath[], needed: readonly CompositePath[]): boolean => {
  if (index.length !== needed.length) return false;
  const samePaths = needed.every(({ path }, at) => trimmed(index[at]?.path ?? "") === trimmed(path));
  const sameOrders = needed.filter(({ order }, at) => index[at]?.order === order).length;
  return samePaths && (sameOrders === needed.length || sameOrders === 0);
};
