/** Transactional batches, and bulk. */
import { items, put, readStatus } from "./common.mjs";

export const batches = {
  "batch: create, upsert, replace, patch, read, delete": async () => {
    for (const id of ["replace", "patch", "delete"]) await put(items, { id, pk: "batch" });
    const { result } = await items.items.batch(
      [
        { operationType: "Create", resourceBody: { id: "create", pk: "batch" } },
        { operationType: "Upsert", resourceBody: { id: "upsert", pk: "batch" } },
        { operationType: "Replace", id: "replace", resourceBody: { id: "replace", pk: "batch", n: 1 } },
        {
          operationType: "Patch",
          id: "patch",
          resourceBody: { operations: [{ op: "set", path: "/n", value: 1 }] },
        },
        { operationType: "Read", id: "create" },
        { operationType: "Delete", id: "delete" },
      ],
      "batch",
    );
    return result.map(({ statusCode }) => statusCode);
  },
  "batch that fails: statuses, and what is left": async () => {
    await put(items, { id: "taken", pk: "rollback" });
    const create = (id) => ({ operationType: "Create", resourceBody: { id, pk: "rollback" } });
    const { result } = await items.items.batch([create("first"), create("taken"), create("last")], "rollback");
    return [result.map(({ statusCode }) => statusCode), await readStatus(items, "first", "rollback")];
  },
  "batch: a stale If-Match": async () => {
    await put(items, { id: "guarded", pk: "stale" });
    const resourceBody = { id: "guarded", pk: "stale", n: 1 };
    const { result } = await items.items.batch(
      [
        { operationType: "Create", resourceBody: { id: "first", pk: "stale" } },
        { operationType: "Replace", id: "guarded", ifMatch: '"00000000-0000-0000-0000-000000000000"', resourceBody },
      ],
      "stale",
    );
    return [result.map(({ statusCode }) => statusCode), await readStatus(items, "first", "stale")];
  },
  "batch of a hundred, and its items in pages of forty": async () => {
    const operations = Array.from({ length: 100 }, (_, n) => ({
      operationType: "Create",
      resourceBody: { id: String(n), pk: "hundred" },
    }));
    const { result } = await items.items.batch(operations, "hundred");
    const iterator = items.items.query("SELECT * FROM c", { partitionKey: "hundred", maxItemCount: 40 });
    const found = new Set();
    let pages = 0;
    while (iterator.hasMoreResults()) {
      const { resources } = await iterator.fetchNext();
      if (resources.length > 0) pages += 1;
      for (const { id } of resources) found.add(id);
    }
    return [result.filter(({ statusCode }) => statusCode === 201).length, pages, found.size];
  },
  "bulk over partitions: each on its own": async () => {
    await put(items, { id: "taken", pk: "bulk-b" });
    const create = (id, pk) => ({ operationType: "Create", partitionKey: pk, resourceBody: { id, pk } });
    const results = await items.items.executeBulkOperations([
      create("1", "bulk-a"),
      create("2", "bulk-b"),
      create("taken", "bulk-b"),
      { operationType: "Upsert", partitionKey: "bulk-b", resourceBody: { id: "taken", pk: "bulk-b", n: 1 } },
      { operationType: "Delete", partitionKey: "bulk-b", id: "taken" },
      { operationType: "Read", partitionKey: "bulk-c", id: "none" },
    ]);
    return results.map(({ response, error }) => response?.statusCode ?? error?.code);
  },
};
