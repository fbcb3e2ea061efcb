/** Batches: several operations on one logical partition, all or nothing; and bulk requests, each operation on its own. */
import { Fault } from "../../../kernel/fault.ts";
import type { Entry } from "../../../store/store.ts";
import { badRequest } from "../faults.ts";
import { readCharge, writeCharge } from "./charges.ts";
import { isObject } from "./definition.ts";
import { type Engine, inContainer, type Place, type Scene } from "./engine.ts";
import {
  checkNotModified,
  type Conditions,
  createItem,
  deleteItem,
  etagOf,
  type Filter,
  patchItem,
  readItem,
  replaceItem,
  upsertItem,
} from "./items.ts";
import { fullKey } from "./partition-key.ts";
import type { ContainerRecord, KeyValues } from "./records.ts";
import { readPatch } from "./patch.ts";
import { type ItemRecord, type JsonObject, textOf } from "./records.ts";

export type OperationType = "Create" | "Upsert" | "Read" | "Replace" | "Patch" | "Delete";

export interface BatchOperation {
  readonly type: OperationType;
  readonly id: string;
  readonly body: unknown;
  readonly conditions: Conditions;
  /** JSON text; in bulk requests, where every operation names its own. */
  readonly partitionKey: string | undefined;
}

export interface BatchResult {
  readonly statusCode: number;
  readonly subStatusCode?: number;
  readonly requestCharge: number;
  readonly eTag?: string;
  readonly resourceBody?: JsonObject;
  readonly message?: string;
}

const types = ["Create", "Upsert", "Read", "Replace", "Patch", "Delete"];
export const batchLimit = 100;

/** @throws 400 */
export const readBatch = (body: unknown): readonly BatchOperation[] => {
  if (!Array.isArray(body))
    throw badRequest("The batch is not a JSON array. Lanyard does not read HybridRow, which .NET clients send.");
  if (body.length > batchLimit)
    throw badRequest(`Batch request has more operations than what is supported: ${batchLimit}.`);
  return body.map((operation: unknown) => {
    const type = isObject(operation) ? operation["operationType"] : undefined;
    if (!isObject(operation) || typeof type !== "string" || !types.includes(type))
      throw badRequest("The batch has an operation of an unknown operationType.");
    const text = (name: string): string | undefined =>
      typeof operation[name] === "string" ? operation[name] : undefined;
    const key = operation["partitionKey"];
    return {
      type: type as OperationType,
      id: text("id") ?? "",
      body: operation["resourceBody"],
      conditions: { ifMatch: text("ifMatch"), ifNoneMatch: text("ifNoneMatch") },
      partitionKey: typeof key === "string" || key === undefined ? text("partitionKey") : JSON.stringify(key),
    };
  });
};

interface Outcome {
  readonly statusCode: number;
  /** As it was written, read or deleted. */
  readonly item: ItemRecord;
  readonly entry?: Entry<ItemRecord>;
}

const outcome = (statusCode: number, entry: Entry<ItemRecord>): Outcome => ({ statusCode, item: entry.value, entry });

const bodyOf = (operation: BatchOperation): JsonObject => {
  if (!isObject(operation.body)) throw badRequest("The operation has no resourceBody.");
  return operation.body;
};

const perform = async (
  scene: Scene,
  values: KeyValues,
  operation: BatchOperation,
  filter: Filter,
): Promise<Outcome> => {
  const { type, id, conditions } = operation;
  switch (type) {
    case "Create":
      return outcome(201, (await createItem(scene, values, bodyOf(operation))).entry);
    case "Upsert": {
      const { entry, created } = await upsertItem(scene, values, bodyOf(operation), conditions);
      return outcome(created ? 201 : 200, entry);
    }
    case "Read": {
      const entry = await readItem(scene, values, id);
      checkNotModified(conditions, entry.value);
      return outcome(200, entry);
    }
    case "Replace":
      return outcome(200, (await replaceItem(scene, values, id, bodyOf(operation), conditions)).entry);
    case "Patch": {
      const patch = readPatch(operation.body);
      return outcome(200, (await patchItem(scene, { values, id, patch, conditions }, filter)).entry);
    }
    case "Delete":
      return { statusCode: 204, item: (await deleteItem(scene, values, id, conditions)).value };
  }
};

const chargeOf = ({ type }: BatchOperation, item: ItemRecord, container: ContainerRecord): number =>
  type === "Read" ? readCharge(item.size) : writeCharge(item, container);

const shown = (
  { container }: Place,
  operation: BatchOperation,
  { statusCode, item, entry }: Outcome,
  minimal: boolean,
): BatchResult => ({
  statusCode,
  requestCharge: chargeOf(operation, item, container),
  ...(entry === undefined ? {} : { eTag: etagOf(entry.value) }),
  ...(entry === undefined || (minimal && operation.type !== "Read") ? {} : { resourceBody: entry.value.doc }),
});

const failed = (operation: BatchOperation, fault: Fault): BatchResult => {
  const { subStatus } = fault.detail;
  return {
    statusCode: fault.status,
    requestCharge: operation.type === "Read" ? 1 : failedWrite,
    ...(typeof subStatus === "number" ? { subStatusCode: subStatus } : {}),
    ...(fault.status === 304 ? {} : { message: fault.message }),
  };
};

/** What looking costs before a write is refused. */
const failedWrite = 1.24;

const dependent: BatchResult = { statusCode: 424, requestCharge: 0 };

export interface BatchReply {
  /** 200, or 207 when an operation failed. */
  readonly status: 200 | 207;
  readonly results: readonly BatchResult[];
  readonly lsn: number;
}

/** Carries the results out of a transaction that must not commit. */
class RolledBack extends Error {
  readonly results: readonly BatchResult[];
  constructor(results: readonly BatchResult[]) {
    super("The batch was rolled back.");
    this.results = results;
  }
}

/** All or nothing. */
export const runBatch = async (
  engine: Engine,
  place: Place,
  values: KeyValues,
  operations: readonly BatchOperation[],
  options: { readonly filter: Filter; readonly minimal: boolean },
): Promise<BatchReply> => {
  for (const { partitionKey } of operations)
    if (partitionKey !== undefined) fullKey(partitionKey, place.container.partitionKey);
  try {
    const done = await inContainer(engine, place, async (scene) => {
      const outcomes: { result: BatchResult; entry?: Entry<ItemRecord> }[] = [];
      for (const [index, operation] of operations.entries())
        try {
          const done = await perform(scene, values, operation, options.filter);
          outcomes.push({
            result: shown(place, operation, done, options.minimal),
            ...(done.entry === undefined ? {} : { entry: done.entry }),
          });
        } catch (error) {
          if (!(error instanceof Fault)) throw error;
          // A read that found nothing new is no failure (cosmos.md 11).
          if (error.status === 304) outcomes.push({ result: failed(operation, error) });
          else throw new RolledBack(operations.map((each, at) => (at === index ? failed(each, error) : dependent)));
        }
      return outcomes;
    });
    return {
      status: 200,
      results: done.map(({ result }) => result),
      lsn: Math.max(0, ...done.map(({ entry }) => entry?.sequence ?? 0)),
    };
  } catch (error) {
    if (error instanceof RolledBack) return { status: 207, results: error.results, lsn: 0 };
    throw error;
  }
};

/** Each operation for itself; those of one item in order, others side by side so that they share commits. */
export const runBulk = async (
  engine: Engine,
  place: Place,
  operations: readonly BatchOperation[],
  options: { readonly filter: Filter; readonly minimal: boolean; readonly continueOnError: boolean },
): Promise<BatchReply> => {
  const results: BatchResult[] = operations.map(() => dependent);
  let lsn = 0;
  const one = async (index: number): Promise<boolean> => {
    const operation = operations[index] as BatchOperation;
    try {
      const values = fullKey(operation.partitionKey, place.container.partitionKey);
      const done = await inContainer(engine, place, (scene) => perform(scene, values, operation, options.filter));
      lsn = Math.max(lsn, done.entry?.sequence ?? 0);
      results[index] = shown(place, operation, done, options.minimal);
      return true;
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      results[index] = failed(operation, error);
      return error.status === 304;
    }
  };
  if (options.continueOnError) {
    const chains = new Map<string, Promise<unknown>>();
    for (const [index, operation] of operations.entries()) {
      const id = operation.id || (isObject(operation.body) ? textOf(operation.body["id"]) : "");
      const name = `${operation.partitionKey ?? ""}\n${id}`;
      chains.set(
        name,
        (chains.get(name) ?? Promise.resolve()).then(() => one(index)),
      );
    }
    await Promise.all(chains.values());
  } else for (const index of operations.keys()) if (!(await one(index))) break;
  const failure = results.some(({ statusCode }) => statusCode >= 400);
  return { status: failure ? 207 : 200, results, lsn };
};
