/** Container definitions: what a client asks for, checked and completed with the defaults (cosmos.md 6). */
import { badRequest, cosmosFault } from "../faults.ts";
import { checkComputedProperties } from "./computed-properties.ts";
import { checkNesting } from "./nesting.ts";
import { indexingOf } from "./indexing-policy.ts";
import { isObject, type Json, type JsonObject, type PartitionKeyDefinition, textOf } from "./records.ts";

export { isObject } from "./records.ts";

const systemNames = ["_rid", "_self", "_etag", "_ts", "_docs", "_sprocs", "_triggers", "_udfs", "_conflicts"];

/** https://learn.microsoft.com/azure/cosmos-db/concepts-limits: 255 characters without `/ \ # ?`. */
export const checkId = (id: Json | undefined): string => {
  if (typeof id !== "string" || id === "") throw cosmosFault("missingProperty", { names: "id" });
  if (id.length > 255 || /[/\\#?\p{Cc}]| $/u.test(id) || !id.isWellFormed())
    throw badRequest(`The id '${id.slice(0, 100)}' is invalid: it must have 1 to 255 characters other than / \\ # ?.`);
  return id;
};

/** @throws 400 */
export const partitionKeyOf = (value: Json | undefined): PartitionKeyDefinition => {
  const paths = isObject(value) ? value["paths"] : undefined;
  if (!isObject(value) || !Array.isArray(paths) || paths.length === 0)
    throw badRequest("The partition key definition of the container is missing: partitionKey.paths must name a path.");
  if (paths.length > 3) throw badRequest("A partition key has at most three paths.");
  const checked = paths.map((path: Json) => {
    if (typeof path !== "string" || !/^\/[^/]/.test(path) || path.endsWith("/") || path.includes("*"))
      throw badRequest(
        `The partition key component definition path '${textOf(path).slice(0, 100)}' could not be accepted.`,
      );
    return path;
  });
  const kind = value["kind"] === "MultiHash" || checked.length > 1 ? "MultiHash" : "Hash";
  return { paths: checked, kind, version: value["version"] === 1 && kind === "Hash" ? 1 : 2 };
};

const ttlOf = (value: Json | undefined): { defaultTtl?: number } => {
  if (value === undefined || value === null) return {};
  if (typeof value !== "number" || !Number.isInteger(value) || value === 0 || value < -1 || value > 2_147_483_647)
    throw badRequest("The defaultTtl must be -1 or a positive number of seconds.");
  return { defaultTtl: value };
};

/** For how many minutes all versions are kept; 0 and no policy mean that they are not. */
const changeFeedOf = (value: Json | undefined): { changeFeedPolicy?: JsonObject } => {
  if (value === undefined || value === null) return {};
  const minutes = isObject(value) ? (value["retentionDuration"] ?? 0) : undefined;
  if (typeof minutes !== "number" || !Number.isInteger(minutes) || minutes < 0 || minutes > 43_200)
    throw badRequest("The retentionDuration of the changeFeedPolicy must be a number of minutes from 0 to 43200.");
  return { changeFeedPolicy: { ...(value as JsonObject), retentionDuration: minutes } };
};

const uniqueOf = (value: Json | undefined): JsonObject => {
  const keys = isObject(value) && Array.isArray(value["uniqueKeys"]) ? (value["uniqueKeys"] as Json[]) : [];
  if (keys.length > 10) throw badRequest("A container has at most 10 unique keys.");
  for (const key of keys) {
    const paths = isObject(key) ? key["paths"] : undefined;
    if (
      !Array.isArray(paths) ||
      paths.length === 0 ||
      paths.length > 16 ||
      !paths.every((path) => typeof path === "string" && /^\/[^*?]*[^*?/]$/.test(path))
    )
      throw badRequest("The unique key definition must name 1 to 16 paths without wildcards.");
  }
  return { uniqueKeys: keys };
};

/** Paths of each unique key. */
export const uniqueKeysOf = (definition: JsonObject): readonly (readonly string[])[] => {
  const policy = definition["uniqueKeyPolicy"];
  const keys = isObject(policy) && Array.isArray(policy["uniqueKeys"]) ? (policy["uniqueKeys"] as JsonObject[]) : [];
  return keys.map((key) => key["paths"] as readonly string[]);
};

/**
 * The definition as it is kept and shown.
 * @param existing of a container that is replaced: its keys cannot change
 * @throws 400
 */
export const completeDefinition = (
  asked: JsonObject,
  existing?: { readonly id: string; readonly partitionKey: PartitionKeyDefinition; readonly definition: JsonObject },
): { id: string; partitionKey: PartitionKeyDefinition; definition: JsonObject } => {
  checkNesting(asked);
  const id = checkId(asked["id"]);
  checkComputedProperties(asked);
  if (existing !== undefined && existing.id !== id) throw badRequest("The id of a container cannot be changed.");
  const partitionKey =
    existing !== undefined && asked["partitionKey"] === undefined
      ? existing.partitionKey
      : partitionKeyOf(asked["partitionKey"]);
  if (existing !== undefined && JSON.stringify(existing.partitionKey.paths) !== JSON.stringify(partitionKey.paths))
    throw badRequest("Document collection partition key cannot be changed.");
  const kept = existing?.partitionKey ?? partitionKey;
  const unique =
    asked["uniqueKeyPolicy"] === undefined && existing !== undefined
      ? (existing.definition["uniqueKeyPolicy"] as JsonObject)
      : uniqueOf(asked["uniqueKeyPolicy"]);
  if (existing !== undefined && JSON.stringify(existing.definition["uniqueKeyPolicy"]) !== JSON.stringify(unique))
    throw badRequest(
      "The unique index cannot be modified. To change the unique index, remove the collection and re-create a new one.",
    );
  const rest = Object.fromEntries(
    Object.entries(asked).filter(
      ([name, value]) => !systemNames.includes(name) && name !== "defaultTtl" && value !== null,
    ),
  );
  return {
    id,
    partitionKey: kept,
    definition: {
      ...rest,
      id,
      indexingPolicy: indexingOf(asked["indexingPolicy"]),
      partitionKey: { paths: kept.paths, kind: kept.kind, version: kept.version },
      uniqueKeyPolicy: unique,
      conflictResolutionPolicy: asked["conflictResolutionPolicy"] ?? {
        mode: "LastWriterWins",
        conflictResolutionPath: "/_ts",
        conflictResolutionProcedure: "",
      },
      geospatialConfig: asked["geospatialConfig"] ?? { type: "Geography" },
      ...ttlOf(asked["defaultTtl"]),
      ...changeFeedOf(asked["changeFeedPolicy"]),
    },
  };
};
