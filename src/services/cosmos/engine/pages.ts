/** Pages of a query over rows that somebody has at hand. */
import type { Ids } from "../../../kernel/ids.ts";
import type { Documents } from "./candidates.ts";
import type { Mark } from "./continuation.ts";
import type { Page } from "./page.ts";
import type { PreparedQuery } from "./query-port.ts";
import { openQueryPages } from "./query-pages.ts";
import { indexAfter, type Row } from "./rows.ts";
import { openSlices } from "./slices.ts";

export interface Pages {
  /** @param purpose names container, query and extent: a kept result goes to no other @param rows in feed order */
  read(
    purpose: string,
    query: PreparedQuery,
    rows: readonly Row[],
    from: Mark | undefined,
    limit: number,
  ): Promise<Page>;
}

const documentsOf = (rows: readonly Row[]): Documents => ({
  candidates: async ({ from }) => {
    const batches = async function* (): AsyncGenerator<readonly Row[]> {
      yield await Promise.resolve(from === undefined ? rows : rows.slice(indexAfter(rows, from)));
    };
    return { lsn: 0, batches: batches(), ordered: undefined, accepts: () => true, inMemory: true };
  },
  get: async () => [],
  lsn: async () => 0,
});

export const openPages = (ids: Ids): Pages => {
  const pages = openQueryPages(ids);
  return {
    read: (purpose, query, rows, from, limit) =>
      pages.read({ purpose, query, holder: "", slices: openSlices, ...documentsOf(rows), from, limit }),
  };
};
