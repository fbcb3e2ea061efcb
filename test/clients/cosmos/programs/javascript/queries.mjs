/** Queries, pages, metrics and hierarchical keys. */
import { ChangeFeedStartFrom } from "@azure/cosmos";
import { client, container, drain, put, question, shop, status, withToken } from "./common.mjs";

export const queries = {
  "reads feed ranges and what is in one": async () => {
    const ranges = await shop.getFeedRanges();
    const iterator = shop.items.getChangeFeedIterator({
      changeFeedStartFrom: ChangeFeedStartFrom.Beginning(ranges[0]),
    });
    return [ranges.length, (await drain(iterator)).found.length];
  },
  ...Object.fromEntries(
    question.queries.map(({ name, text: query, parameters, pk }) => [
      name,
      async () => {
        const options = pk === null ? {} : { partitionKey: pk };
        return (await shop.items.query({ query, parameters }, options).fetchAll()).resources;
      },
    ]),
  ),
  "pages, and a token that another client goes on with": async () => {
    const pageOf = (of, options) =>
      container("shop", of).items.query("SELECT VALUE c.id FROM c", { maxItemCount: 3, ...options });
    const first = await pageOf(client).fetchNext();
    const rest = pageOf(withToken(), { continuationToken: first.continuationToken });
    const second = await rest.fetchNext();
    const { resources } = await rest.fetchNext();
    const all = new Set([...first.resources, ...second.resources, ...resources]);
    return [first.resources.length, second.resources.length, all.size];
  },
  "pages of an ORDER BY, and a token that another client goes on with": async () => {
    const pageOf = (of, options) =>
      container("shop", of).items.query("SELECT VALUE c.id FROM c ORDER BY c.id", { maxItemCount: 3, ...options });
    const first = await pageOf(client).fetchNext();
    const second = await pageOf(withToken(), { continuationToken: first.continuationToken }).fetchNext();
    return [...first.resources, ...second.resources];
  },
  "a syntax error": async () => {
    try {
      await shop.items.query("SELEC * FROM c").fetchAll();
      return "not refused";
    } catch (error) {
      return [error.code, error.message.includes("SC1001")];
    }
  },
  "query metrics": async () => {
    const options = { populateQueryMetrics: true, partitionKey: "a" };
    const { headers } = await shop.items.query("SELECT * FROM c", options).fetchNext();
    return headers["x-ms-documentdb-query-metrics"]["0"].retrievedDocumentCount;
  },
  "index metrics": async () => {
    const query = "SELECT * FROM c WHERE c.stock > 3";
    const { indexMetrics } = await shop.items.query(query, { populateIndexMetrics: true }).fetchNext();
    return indexMetrics.includes("/stock/?");
  },
  "hierarchical keys: one item by its whole key": async () => {
    const tree = container("tree");
    for (const [id, ...key] of [
      ["41", "acme", "ada", "s1"],
      ["42", "acme", "ada", "s2"],
      ["43", "acme", "bob", "s1"],
      ["44", "acme", "eve", "s1"],
      ["45", "other", "ada", "s1"],
    ]) {
      const [tenant, user, session] = key;
      await put(tree, { id, tenant, user, session });
    }
    return (await tree.item("42", ["acme", "ada", "s2"]).read()).resource.id;
  },
  "hierarchical keys: prefixes": async () => {
    const below = async (...partitionKey) =>
      (await container("tree").items.query("SELECT * FROM c", { partitionKey }).fetchAll()).resources.length;
    return [await below("acme"), await below("acme", "ada")];
  },
  "hierarchical keys: a prefix in the filter": async () => {
    const query = "SELECT * FROM c WHERE c.tenant = 'acme' AND c.user = 'ada'";
    return (await container("tree").items.query(query).fetchAll()).resources.length;
  },
  "read feed": async () => (await shop.items.readAll().fetchAll()).resources.length,
  "a container that is not there": () => status(() => container("nowhere").items.query("SELECT * FROM c").fetchAll()),
};
