/** Stored procedures, triggers and user-defined functions: made, changed and deleted, by the data plane and by ARM alike. */
import { newEtag } from "../engine/catalog.ts";
import { checkId, isObject } from "../engine/definition.ts";
import { type Engine, inContainer, nowSeconds, type Place } from "../engine/engine.ts";
import type { FunctionSource } from "../engine/query-port.ts";
import { containerPartition, type Json, type JsonObject, textOf } from "../engine/records.ts";
import { looksLikeChildRid, scriptRid } from "../engine/rid.ts";
import { badRequest, cosmosFault } from "../faults.ts";
import { scriptKey, type ScriptRecord, type ScriptSegment, scriptSpec } from "./spec.ts";

/** https://learn.microsoft.com/rest/api/cosmos-db/create-a-trigger; clients name both Update and Replace, and Upsert. */
const triggerTypes = ["Pre", "Post"];
const triggerOperations = ["All", "Create", "Replace", "Update", "Delete", "Upsert"];

const all = 100_000;

const missing = (names: string) => cosmosFault("missingProperty", { names });

const choice = (value: Json | undefined, name: string, choices: readonly string[]): string => {
  if (value === undefined || value === null || value === "") throw missing(name);
  const found = choices.find((each) => each.toLowerCase() === textOf(value).toLowerCase());
  if (found === undefined)
    throw badRequest(
      `The value '${JSON.stringify(value).slice(0, 50)}' specified for '${name}' is invalid: it must be one of ${choices.join(", ")}.`,
    );
  return found;
};

/** What is kept of what a client asks for. @throws 400 */
const readScript = (segment: ScriptSegment, asked: JsonObject): Pick<ScriptRecord, "id" | "body" | "more"> => {
  const id = checkId(asked["id"]);
  const { body } = asked;
  if (body === undefined || body === null || body === "") throw missing("body");
  if (typeof body !== "string") throw badRequest("The body of a script must be a string.");
  if (segment !== "triggers") return { id, body, more: {} };
  const triggerType = choice(asked["triggerType"], "triggerType", triggerTypes);
  const triggerOperation = choice(asked["triggerOperation"], "triggerOperation", triggerOperations);
  return { id, body, more: { triggerType, triggerOperation } };
};

export const listScripts = async (engine: Engine, place: Place, segment: ScriptSegment): Promise<ScriptRecord[]> =>
  (
    await engine.store
      .collection(scriptSpec)
      .list(containerPartition(place.account, place.container), { prefix: `${segment}/`, limit: all })
  ).map(({ value }) => value);

/** By name or rid. */
export const findScript = async (
  engine: Engine,
  place: Place,
  segment: ScriptSegment,
  name: string,
): Promise<ScriptRecord | undefined> => {
  const partition = containerPartition(place.account, place.container);
  const named = await engine.store.collection(scriptSpec).get(partition, scriptKey(segment, name));
  if (named !== undefined || !looksLikeChildRid(name)) return named?.value;
  return (await listScripts(engine, place, segment)).find(({ rid }) => rid === name);
};

/** Those of a query's functions that there are. */
export const functionSources = async (
  engine: Engine,
  place: Place,
  names: readonly string[],
): Promise<readonly FunctionSource[]> => {
  const found: FunctionSource[] = [];
  for (const name of names) {
    const script = await findScript(engine, place, "udfs", name);
    if (script?.id === name) found.push({ name, source: script.body });
  }
  return found;
};

/** @throws 400, 409 */
export const createScript = async (
  engine: Engine,
  place: Place,
  segment: ScriptSegment,
  asked: JsonObject,
): Promise<ScriptRecord> => {
  const record: ScriptRecord = {
    ...readScript(segment, asked),
    rid: scriptRid(place.container.rid, engine.nextOrder(), segment),
    etag: newEtag(engine),
    ts: nowSeconds(engine),
  };
  return inContainer(engine, place, async ({ tx, partition }) => {
    const scripts = tx.collection(scriptSpec);
    const key = scriptKey(segment, record.id);
    if ((await scripts.get(partition, key)) !== undefined) throw cosmosFault("exists");
    await scripts.put(partition, key, record);
    return record;
  });
};

/** @param check may refuse the one that is there @throws 400, 404 */
export const replaceScript = async (
  engine: Engine,
  place: Place,
  segment: ScriptSegment,
  name: string,
  asked: JsonObject,
  check: (found: ScriptRecord) => void,
): Promise<ScriptRecord> => {
  const next = readScript(segment, asked);
  const id = (await findScript(engine, place, segment, name))?.id ?? name;
  if (next.id !== id) throw badRequest("The id of a script cannot be changed.");
  return inContainer(engine, place, async ({ tx, partition }) => {
    const scripts = tx.collection(scriptSpec);
    const found = (await scripts.get(partition, scriptKey(segment, id)))?.value;
    if (found === undefined) throw cosmosFault("notFound");
    check(found);
    const record = { ...found, ...next, etag: newEtag(engine), ts: nowSeconds(engine) };
    await scripts.put(partition, scriptKey(segment, id), record);
    return record;
  });
};

/** @param check may refuse the one that is there @throws 404 */
export const deleteScript = async (
  engine: Engine,
  place: Place,
  segment: ScriptSegment,
  name: string,
  check: (found: ScriptRecord) => void,
): Promise<void> => {
  const id = (await findScript(engine, place, segment, name))?.id ?? name;
  await inContainer(engine, place, async ({ tx, partition }) => {
    const scripts = tx.collection(scriptSpec);
    const found = (await scripts.get(partition, scriptKey(segment, id)))?.value;
    if (found === undefined) throw cosmosFault("notFound");
    check(found);
    await scripts.delete(partition, scriptKey(segment, id));
  });
};

/** As clients see it. */
export const shownScript = (
  database: { readonly rid: string },
  { container }: Pick<Place, "container">,
  segment: ScriptSegment,
  { id, rid, etag, ts, body, more }: ScriptRecord,
): JsonObject => ({
  id,
  body,
  ...more,
  _rid: rid,
  _self: `dbs/${database.rid}/colls/${container.rid}/${segment}/${rid}/`,
  _etag: etag,
  _ts: ts,
});

/** A request's body must be an object. @throws 400 */
export const scriptBody = (body: unknown): JsonObject => {
  if (!isObject(body)) throw badRequest("The request payload is invalid. Ensure to provide a valid request payload.");
  return body;
};
