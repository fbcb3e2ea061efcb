/**
 * Small questions are answered at once, in the thread that serves: those about a few items of one partition key, and what a
 * query is. Everything else goes to the thread of queries, as does what turns out to be more.
 */
import type { Ids } from "../../../kernel/ids.ts";
import type { QueryEngine } from "./query-port.ts";
import { openReader } from "./reader.ts";
import type { QueryReader } from "./reader-port.ts";
import type { Slices } from "./slices.ts";
import type { ItemSource, ItemSources } from "./source.ts";

/** Longer texts take long to read. */
const shortText = 2000;
/** Functions whose work ends soon on a few kilobytes, and words that may stand before a bracket. */
const lightNames: ReadonlySet<string> = new Set(
  (
    "COUNT SUM AVG MIN MAX STARTSWITH ENDSWITH CONTAINS STRINGEQUALS LOWER UPPER LENGTH ARRAY_CONTAINS ARRAY_LENGTH " +
    "IS_DEFINED IS_NULL IS_NUMBER IS_STRING IS_BOOL IS_ARRAY IS_OBJECT ABS FLOOR CEILING ROUND " +
    "SELECT VALUE TOP DISTINCT FROM WHERE IN AND OR NOT BETWEEN LIKE BY EXISTS ARRAY AS OFFSET LIMIT"
  ).split(" "),
);
const fewBytes = 64 * 1024;
const fewDocuments = 20;
/** So long may a small question take. */
const milliseconds = 5;
const stepsBetweenLooks = 256;

/** One call of a function on shapes, patterns or sets can take seconds, and nothing can stop it here. */
const isLight = (text: string): boolean => {
  if (text.length > shortText) return false;
  for (const [, name = ""] of text.matchAll(/([A-Za-z_]\w*)\s*\(/g))
    if (!lightNames.has(name.toUpperCase())) return false;
  return true;
};

class NotSmall extends Error {}

/** Gives a first read of one key's items if that is all of them, and nothing else. */
const smallSource = (source: ItemSource): ItemSource => ({
  list: async (range) => {
    if (range.prefix === "") throw new NotSmall();
    const texts = await source.list(range);
    const bytes = texts.reduce((sum, { json }) => sum + (json?.length ?? 0), 0);
    if (texts.length >= range.limit || bytes > fewBytes) throw new NotSmall();
    return texts;
  },
  get: () => Promise.reject(new NotSmall()),
  changes: () => Promise.reject(new NotSmall()),
  sequence: () => source.sequence(),
});

const briefSlices = (): Slices => {
  const started = performance.now();
  return {
    begin: () => undefined,
    next: () => undefined,
    memory: () => undefined,
    checkpoint: () => {
      if (performance.now() - started > milliseconds) throw new NotSmall();
      return stepsBetweenLooks;
    },
  };
};

/** @param large answers what is not small */
export const openFrontReader = (
  large: QueryReader,
  options: { readonly sources: ItemSources; readonly ids: Ids; readonly queries: QueryEngine },
): QueryReader => {
  const { sources, ids, queries } = options;
  const small = openReader({
    sources: (partition) => smallSource(sources(partition)),
    ids,
    queries,
    cacheBytes: 0,
    slices: briefSlices,
  });
  const first = async <T>(isSmall: boolean, ask: (reader: QueryReader) => Promise<T>): Promise<T> => {
    if (!isSmall) return ask(large);
    try {
      return await ask(small);
    } catch (error) {
      if (error instanceof NotSmall) return ask(large);
      throw error;
    }
  };
  return {
    page: (question) => {
      const { spec, functions, extent, token } = question;
      const isFirst = token === undefined || token === "";
      const isShown = spec === undefined ? extent.key !== undefined : isLight(spec.text);
      return first(isFirst && isShown && functions.length === 0, (reader) => reader.page(question));
    },
    list: (spec, documents) =>
      first(isLight(spec.text) && documents.length <= fewDocuments, (reader) => reader.list(spec, documents)),
    plan: (spec, definition) => first(spec.text.length <= shortText, (reader) => reader.plan(spec, definition)),
    functionsOf: (spec) =>
      first(spec.text.length <= shortText || !/udf/i.test(spec.text), (reader) => reader.functionsOf(spec)),
    forget: (rid) => large.forget(rid),
    close: () => large.close(),
  };
};
