/** What a container holds, and tokens to go on from, as a client sees them. */
import { expect } from "vitest";
import type { WireAnswer } from "../../support/wire.ts";
import { type Access, lsnOf } from "./access.ts";

export interface Item {
  readonly id: string;
  readonly pk: string;
  readonly value: string;
  readonly count?: number;
  readonly _lsn?: number;
}

export interface Changes {
  /** By `pk/id`. */
  readonly items: ReadonlyMap<string, Item>;
  /** Where the next reading goes on. */
  readonly etag: string;
}

const pageSize = 1000;

const placeOf = (etag: string): number => Number(etag.replaceAll('"', ""));

/** The change feed of `busy` from an etag on, to where it ends now. LSNs and etags are seen to go forward only. */
export const readChanges = async (access: Access, from: string | undefined): Promise<Changes> => {
  const items = new Map<string, Item>();
  let etag = from;
  let last = from === undefined ? 0 : placeOf(from);
  for (;;) {
    const answer = await access.data("busy", {
      method: "GET",
      headers: {
        "a-im": "Incremental Feed",
        "x-ms-max-item-count": String(pageSize),
        ...(etag === undefined ? {} : { "if-none-match": etag }),
      },
    });
    expect([200, 304], answer.text).toContain(answer.status);
    const next = String(answer.headers["etag"]);
    expect(placeOf(next)).toBeGreaterThanOrEqual(last);
    etag = next;
    if (answer.status === 304) return { items, etag };
    const { Documents } = JSON.parse(answer.text) as { Documents: Item[] };
    for (const item of Documents) {
      const key = `${item.pk}/${item.id}`;
      expect(item._lsn, key).toBeGreaterThan(last);
      last = item._lsn ?? Number.NaN;
      items.set(key, item);
    }
    expect(placeOf(next)).toBeGreaterThanOrEqual(last);
    if (Documents.length < pageSize) return { items, etag };
  }
};

/** All items of `busy`, page by page. */
export const readAll = async (access: Access): Promise<ReadonlyMap<string, Item>> => {
  const items = new Map<string, Item>();
  for await (const page of pagesOf(access, "busy", { size: pageSize }))
    for (const item of page.items) items.set(`${item.pk}/${item.id}`, item);
  return items;
};

export interface Reading {
  readonly size: number;
  /** Undefined: a read feed. */
  readonly query?: string;
  readonly token?: string;
}

interface PageOfItems {
  readonly items: readonly Item[];
  readonly token: string | undefined;
}

const ask = (access: Access, container: string, { size, query, token }: Reading): Promise<WireAnswer> => {
  const headers = {
    "x-ms-max-item-count": String(size),
    ...(token === undefined ? {} : { "x-ms-continuation": token }),
  };
  if (query === undefined) return access.data(container, { method: "GET", headers });
  return access.data(container, {
    body: { query },
    headers: {
      ...headers,
      "content-type": "application/query+json",
      "x-ms-documentdb-isquery": "true",
      "x-ms-documentdb-query-enablecrosspartition": "true",
    },
  });
};

export const readPage = async (access: Access, container: string, reading: Reading): Promise<PageOfItems> => {
  const answer = await ask(access, container, reading);
  expect(answer.status, answer.text).toBe(200);
  expect(lsnOf(answer)).toBeGreaterThanOrEqual(0);
  const token = answer.headers["x-ms-continuation"];
  return {
    items: (JSON.parse(answer.text) as { Documents: Item[] }).Documents,
    token: typeof token === "string" && token !== "" ? token : undefined,
  };
};

export const pagesOf = async function* (
  access: Access,
  container: string,
  reading: Reading,
): AsyncGenerator<PageOfItems> {
  let { token } = reading;
  do {
    const page = await readPage(access, container, { ...reading, ...(token === undefined ? {} : { token }) });
    yield page;
    token = page.token;
  } while (token !== undefined);
};
