/** Indexing policies as they are kept: https://learn.microsoft.com/azure/cosmos-db/index-policy */
import { badRequest } from "../faults.ts";
import { isObject, type Json, type JsonObject, textOf } from "./records.ts";

const standard: JsonObject = {
  indexingMode: "consistent",
  automatic: true,
  includedPaths: [{ path: "/*" }],
  excludedPaths: [{ path: '/"_etag"/?' }],
};

const listOf = (value: Json | undefined): readonly Json[] => (Array.isArray(value) ? (value as readonly Json[]) : []);

const pathOf = (value: Json): string => textOf(isObject(value) ? value["path"] : undefined);

/** `/a/b/?`, `/a/[]/c/*`, `/"a b"/?`; the root alone is `/*` or `/`. */
const pathPattern = /^(?:\/(?:"(?:[^"\\]|\\.)*"|[^/"*?]+))*\/[?*]?$/;

const isRoot = (path: string): boolean => path === "/*" || path === "/";

const checkPaths = (paths: readonly string[]): void => {
  for (const path of paths)
    if (!pathPattern.test(path) || (path.endsWith("/") && path !== "/") || path === "/?")
      throw badRequest(
        `The indexing path '${path.slice(0, 200)}' could not be accepted, failed near position '${path.length}'. Please ensure that the path is a valid path. Common errors include invalid characters or absence of quotes around labels.`,
      );
};

/** At least two paths each, ascending or descending. */
const checkComposites = (value: Json | undefined): void => {
  if (value === undefined || value === null) return;
  for (const index of Array.isArray(value) ? (value as readonly Json[]) : [undefined]) {
    const parts = Array.isArray(index) ? (index as readonly Json[]) : [];
    if (parts.length < 2) throw badRequest("A composite index must name two or more paths.");
    for (const part of parts) {
      const order = isObject(part) ? textOf(part["order"] ?? "ascending").toLowerCase() : "";
      if (!/^\/[^*?]+$/.test(pathOf(part)) || !["ascending", "descending"].includes(order))
        throw badRequest(
          "Every path of a composite index must be one without a wildcard, in the order ascending or descending.",
        );
    }
  }
};

/** The policy with its defaults. @throws 400 */
export const indexingOf = (value: Json | undefined): JsonObject => {
  if (value === undefined || value === null) return standard;
  if (!isObject(value)) throw badRequest("The indexingPolicy of a container must be an object.");
  const mode = typeof value["indexingMode"] === "string" ? value["indexingMode"].toLowerCase() : "consistent";
  if (!["consistent", "none", "lazy"].includes(mode))
    throw badRequest(`The indexing mode '${mode.slice(0, 50)}' is invalid.`);
  checkComposites(value["compositeIndexes"]);
  if (mode === "none") return { ...value, indexingMode: mode, automatic: value["automatic"] ?? false };
  const included = listOf(value["includedPaths"]);
  const excluded = listOf(value["excludedPaths"]);
  const own = excluded.map(pathOf).filter((path) => path !== '/"_etag"/?');
  checkPaths([...included.map(pathOf), ...own]);
  const stated = included.length > 0 || own.length > 0;
  if (stated && ![...included.map(pathOf), ...own].some(isRoot))
    throw badRequest(
      'The special mandatory indexing path "/" is not provided in any of the path type sets. Please provide this path in one of the sets.',
    );
  return {
    ...value,
    indexingMode: mode,
    automatic: value["automatic"] ?? true,
    includedPaths: stated ? included : (standard["includedPaths"] ?? []),
    excludedPaths: own.length < excluded.length ? excluded : [...excluded, { path: '/"_etag"/?' }],
  };
};
