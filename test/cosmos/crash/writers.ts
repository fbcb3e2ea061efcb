/** Sixteen writers that go on until the tenant dies under them, each with a partition key of its own. */
import { absent, type Ledger } from "../../crash/ledger.ts";
import type { WireAnswer } from "../../support/wire.ts";
import type { Access } from "./access.ts";

/** What one batch writes together: after a crash all of it is there or nothing. */
export interface Together {
  readonly key: string;
  readonly value: string;
}

export interface Notes {
  /** By `partition key/id`: the item's `value`. */
  readonly ledger: Ledger;
  /** Batches under way; each writer has one at most. */
  readonly batches: Map<string, readonly Together[]>;
  /** Counts the readings of the change feed. */
  feed: number;
  /** Items whose last write began after the last reading of the change feed, and was acknowledged. */
  readonly fresh: Set<string>;
}

/** Any answer that is no success is a fault of the tenant. */
export class Unexpected extends Error {}

const expectStatus = (answer: WireAnswer, ...statuses: number[]): void => {
  if (!statuses.includes(answer.status)) throw new Unexpected(`${answer.status} ${answer.text.slice(0, 300)}`);
};

type Writer = (access: Access, notes: Notes, pk: string) => Promise<void>;

const text = (turn: number): string => "x".repeat((turn * 37) % 1500);
const upsertHeader = { "x-ms-documentdb-is-upsert": "true" };

/** One write of one item. */
const write = async (
  notes: Notes,
  key: string,
  value: string,
  send: () => Promise<WireAnswer>,
  ...statuses: number[]
): Promise<WireAnswer> => {
  const { feed, ledger, fresh } = notes;
  ledger.begin(key, value);
  fresh.delete(key);
  const answer = await send();
  expectStatus(answer, ...statuses);
  ledger.acknowledge(key);
  if (notes.feed === feed && value !== absent) fresh.add(key);
  return answer;
};

/** Creates, upserts of a few names again and again, replaces by ETag, deletes. */
const singles: Writer = async ({ data }, notes, pk) => {
  for (let turn = 0; ; turn++) {
    const again = turn % 3 === 0;
    const id = again ? `again-${turn % 4}` : `new-${turn}`;
    const key = `${pk}/${id}`;
    const value = String(turn);
    const body = { id, pk, value, text: text(turn) };
    const place = { key: pk, path: `/docs/${id}` };
    const made = again
      ? await write(notes, key, value, () => data("busy", { key: pk, body, headers: upsertHeader }), 200, 201)
      : await write(notes, key, value, () => data("busy", { key: pk, body }), 201);
    if (turn % 6 === 1) {
      const next = { ...body, value: `${value}-replaced` };
      const headers = { "if-match": String(made.headers["etag"]) };
      await write(notes, key, next.value, () => data("busy", { ...place, method: "PUT", body: next, headers }), 200);
    }
    if (turn % 6 === 2) await write(notes, key, absent, () => data("busy", { ...place, method: "DELETE" }), 204);
  }
};

/** Three new items and one that is written again and again, all or nothing. */
const batches: Writer = async ({ data }, notes, pk) => {
  const { ledger } = notes;
  for (let turn = 0; ; turn++) {
    const value = String(turn);
    const ids = [`${turn}-0`, `${turn}-1`, `${turn}-2`, "last"];
    const together = ids.map((id) => ({ key: `${pk}/${id}`, value }));
    for (const { key } of together) ledger.begin(key, value);
    notes.batches.set(pk, together);
    const answer = await data("busy", {
      key: pk,
      headers: { "x-ms-cosmos-is-batch-request": "true", "x-ms-cosmos-batch-atomic": "true" },
      body: ids.map((id) => ({
        operationType: id === "last" ? "Upsert" : "Create",
        resourceBody: { id, pk, value, text: text(turn) },
      })),
    });
    expectStatus(answer, 200);
    for (const { key } of together) ledger.acknowledge(key);
    notes.batches.delete(pk);
  }
};

/** The same, written by a stored procedure. */
const procedures: Writer = async ({ data }, notes, pk) => {
  const { ledger } = notes;
  for (let turn = 0; ; turn++) {
    const value = String(turn);
    const ids = [`${turn}-0`, `${turn}-1`, `${turn}-2`, "last"];
    const together = ids.map((id) => ({ key: `${pk}/${id}`, value }));
    for (const { key } of together) ledger.begin(key, value);
    notes.batches.set(pk, together);
    expectStatus(await data("busy", { path: "/sprocs/together", key: pk, body: [pk, ids, value, text(turn)] }), 200);
    for (const { key } of together) ledger.acknowledge(key);
    notes.batches.delete(pk);
  }
};

/** Ten operations, each for itself. */
const bulks: Writer = async ({ data }, { ledger }, pk) => {
  for (let turn = 0; ; turn++) {
    const value = String(turn);
    const ids = Array.from({ length: 10 }, (_, index) => (index < 3 ? `again-${index}` : `${turn}-${index}`));
    for (const id of ids) ledger.begin(`${pk}/${id}`, value);
    const answer = await data("busy", {
      headers: {
        "x-ms-cosmos-is-batch-request": "true",
        "x-ms-cosmos-batch-atomic": "false",
        "x-ms-cosmos-batch-continue-on-error": "true",
        "x-ms-documentdb-partitionkeyrangeid": "0",
      },
      body: ids.map((id) => ({
        operationType: "Upsert",
        partitionKey: JSON.stringify([pk]),
        resourceBody: { id, pk, value, text: text(turn) },
      })),
    });
    expectStatus(answer, 200);
    for (const id of ids) ledger.acknowledge(`${pk}/${id}`);
  }
};

/** One item, patched: a number goes up by one, and another property says by which patch. */
const patches: Writer = async ({ data }, notes, pk) => {
  const key = `${pk}/counter`;
  const body = { id: "counter", pk, value: "0", count: 0 };
  await write(notes, key, "0", () => data("busy", { key: pk, body }), 201);
  for (let turn = 1; ; turn++) {
    const patch = {
      condition: `FROM c WHERE c.count = ${turn - 1}`,
      operations: [
        { op: "incr", path: "/count", value: 1 },
        { op: "set", path: "/value", value: String(turn) },
      ],
    };
    const send = () => data("busy", { method: "PATCH", path: "/docs/counter", key: pk, body: patch });
    const answer = await write(notes, key, String(turn), send, 200);
    const { count } = JSON.parse(answer.text) as { count: number };
    if (count !== turn) throw new Unexpected(`${key}: patch ${turn} counted ${count}.`);
  }
};

const kinds: readonly (readonly [name: string, writer: Writer, count: number])[] = [
  ["singles", singles, 5],
  ["batches", batches, 3],
  ["procedures", procedures, 2],
  ["bulks", bulks, 3],
  ["patches", patches, 3],
];
export const kindNames = kinds.map(([name]) => name);

/** @param round keeps partition keys of rounds apart. @returns faults of the tenant, once all writers have ended */
export const startWriters = async (access: Access, notes: Notes, round: number): Promise<readonly string[]> => {
  const ended = kinds.flatMap(([name, writer, count]) =>
    Array.from({ length: count }, (_, index) =>
      writer(access, notes, `${name}-${index}-r${round}`).then(
        () => [],
        (error: unknown) => (error instanceof Unexpected ? [`${name} ${index}: ${error.message}`] : []),
      ),
    ),
  );
  return (await Promise.all(ended)).flat();
};
