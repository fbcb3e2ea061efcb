/**
 * Request units. The documented points are met: a point read of 1 KB costs 1 RU and of 100 KB 10, a write without indexing 5
 * and 50 (learn.microsoft.com/azure/cosmos-db/key-value-store-cost); what indexing adds is a model of ours, set so that a
 * small item costs what the service is known to charge. docs/explanation/request-units.md tells it, and its error.
 */
import { isObject } from "./definition.ts";
import { indexes } from "./indexing.ts";
import type { ContainerRecord, ItemRecord, Json, JsonObject } from "./records.ts";

/** 1 for a KB or less, 10 for 100 KB. */
const sizeUnits = (bytes: number): number => 1 + Math.max(0, Math.ceil(bytes / 1024) - 1) / 11;

export const readCharge = (bytes: number): number => sizeUnits(bytes);

const perIndexedValue = 0.2;
const indexingBase = 0.69;
/** An item may hold a million values: what comes after so many changes no charge. */
const countedValues = 10_000;

interface Indexing {
  readonly any: boolean;
  /** Whether everything is indexed but what the system adds. */
  readonly all: boolean;
  readonly composites: number;
  /** By path, for policies that name paths. */
  readonly known: Map<string, boolean>;
}

/** The same for every item. */
const systemNames: ReadonlySet<string> = new Set(["_rid", "_self", "_etag", "_attachments", "_ts"]);

const policies = new WeakMap<JsonObject, Indexing>();

const listOf = (value: Json | undefined): readonly Json[] => (Array.isArray(value) ? (value as readonly Json[]) : []);

const indexingOf = (definition: JsonObject): Indexing => {
  const found = policies.get(definition);
  if (found !== undefined) return found;
  const policy = definition["indexingPolicy"];
  const read = isObject(policy) ? policy : {};
  const paths = (name: string): (Json | undefined)[] =>
    listOf(read[name]).map((each) => (isObject(each) ? each["path"] : undefined));
  const made: Indexing = {
    any: read["indexingMode"] !== "none",
    all: paths("includedPaths").includes("/*") && paths("excludedPaths").every((path) => path === '/"_etag"/?'),
    composites: listOf(read["compositeIndexes"]).length,
    known: new Map(),
  };
  policies.set(definition, made);
  return made;
};

/** How many values of a document are indexed: every element of an array counts. */
const indexedValues = (doc: JsonObject, definition: JsonObject, indexing: Indexing): number => {
  let count = 0;
  const isIndexed = (path: string): boolean => {
    if (indexing.all) return true;
    const known = indexing.known.get(path);
    if (known !== undefined) return known;
    const made = indexes(definition, path);
    if (indexing.known.size < 1000) indexing.known.set(path, made);
    return made;
  };
  const visit = (value: Json, path: string): void => {
    if (count >= countedValues) return;
    if (Array.isArray(value))
      for (const element of value as readonly Json[]) visit(element, indexing.all ? "" : `${path}/[]`);
    else if (isObject(value))
      for (const name in value) visit(value[name] as Json, indexing.all ? "" : `${path}/${name}`);
    else if (isIndexed(path)) count++;
  };
  for (const name in doc) if (!systemNames.has(name)) visit(doc[name] as Json, `/${name}`);
  return count;
};

/** A write, whatever it does to the item: by size and by how much of it is indexed. */
export const writeCharge = (
  { doc, size }: Pick<ItemRecord, "doc" | "size">,
  { definition }: ContainerRecord,
): number => {
  const indexing = indexingOf(definition);
  const units = 5 * sizeUnits(size);
  if (!indexing.any) return units;
  return units + indexingBase + perIndexedValue * (indexedValues(doc, definition, indexing) + indexing.composites);
};
