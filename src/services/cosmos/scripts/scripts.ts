/** Stored procedures and triggers, run: a script, its logical partition, and what comes of it. */
import type { Entry } from "../../../store/store.ts";
import { Fault } from "../../../kernel/fault.ts";
import { isObject } from "../engine/definition.ts";
import type { Engine, Scene } from "../engine/engine.ts";
import { readItem } from "../engine/items.ts";
import { openPages } from "../engine/pages.ts";
import type { PreparedQuery } from "../engine/query-port.ts";
import { type ItemRecord, type Json, type JsonObject, type KeyValues, textOf } from "../engine/records.ts";
import { openSlices } from "../engine/slices.ts";
import { badRequest } from "../faults.ts";
import type { Located } from "../target.ts";
import { findScript } from "./catalog.ts";
import { scriptFault } from "./outcomes.ts";
import type { ScriptPool } from "./pool.ts";
import type { ScriptOutcome, ScriptSetup } from "./protocol.ts";
import type { Session } from "./session.ts";
import type { ScriptRecord } from "./spec.ts";
import { type Lines, runTransaction } from "./transaction.ts";

export type TriggerOperation = "Create" | "Upsert" | "Replace" | "Delete";

/** What a request names, by headers. */
export interface Triggers {
  readonly pre: readonly string[];
  readonly post: readonly string[];
}

export interface Executed {
  /** JSON text; undefined: the script has set none. */
  readonly response: string | undefined;
  readonly log: string;
  readonly lsn: number;
  /** Request units of what it did. */
  readonly units: number;
}

/** A write that triggers go with. */
export interface TriggeredWrite<R> {
  readonly place: Located;
  readonly values: KeyValues;
  readonly triggers: Triggers;
  readonly operation: TriggerOperation;
  /** The document; of a delete `{}`. */
  readonly body: JsonObject;
  /** Of a replace or delete, whose trigger is shown which item it is about. */
  readonly id?: string;
  /** The write itself, of the document as the pre-trigger left it. */
  readonly work: (scene: Scene, body: JsonObject) => Promise<R>;
}

export interface Scripts {
  /** @throws 400, 408, 413, 449: nothing written */
  execute(
    place: Located,
    values: KeyValues,
    script: ScriptRecord,
    args: readonly unknown[],
    logging: boolean,
  ): Promise<Executed>;
  /** @returns what the write returned, and the body that a post-trigger put in its place. @throws as `execute`, and as the write */
  triggered<R extends { readonly entry: Entry<ItemRecord> }>(
    write: TriggeredWrite<R>,
  ): Promise<{ readonly result: R; readonly response: unknown }>;
}

/** Characters of `console.log` that are kept; more do not fit into the header. */
const logLimit = 8 * 1024;

export const openScripts = (options: {
  readonly engine: Engine;
  readonly pool: ScriptPool;
  /** Of one script; Azure's default is 5000. */
  readonly milliseconds: number;
  /** Makes a query of what a script asks. @throws Fault */
  readonly prepare: (place: Located, spec: JsonObject) => Promise<PreparedQuery>;
}): Scripts => {
  const { engine, pool, milliseconds, prepare } = options;
  const lines: Lines = new Map();
  const pages = openPages(engine.ids);

  const transaction = <R>(place: Located, values: KeyValues, work: (session: Session) => Promise<R>): Promise<R> =>
    runTransaction(
      { engine, place, values, pages, lines, milliseconds, prepare: (spec) => prepare(place, spec) },
      work,
    );
  /** @throws Fault */
  const run = async (
    { database, container }: Located,
    session: Session,
    script: ScriptRecord,
    setup: Omit<ScriptSetup, "selfLink" | "altLink" | "logLimit">,
    logging: boolean,
  ): Promise<ScriptOutcome & { ok: true }> => {
    const links = {
      selfLink: `dbs/${database.rid}/colls/${container.rid}/`,
      altLink: `dbs/${database.id}/colls/${container.id}`,
    };
    const slices = openSlices();
    const outcome = await pool.run(
      {
        name: script.id,
        source: script.body,
        now: engine.clock.now(),
        milliseconds,
        setup: textOfSetup({ ...setup, ...links, logLimit }),
      },
      async (operation, payload) => {
        // Stores may answer within one turn of the event loop: a script of thousands of operations leaves some to others.
        const pause = slices.next();
        if (pause !== undefined) await pause;
        try {
          return await session.perform(operation, payload);
        } catch (error) {
          if (!(error instanceof Fault)) throw error;
          return JSON.stringify({ error: { number: error.status, message: error.message.replace(/^Message: /, "") } });
        }
      },
    );
    if (!outcome.ok) throw scriptFault(outcome, logging);
    return outcome;
  };

  return {
    execute: (place, values, script, args, logging) =>
      transaction(place, values, async (session) => {
        const setup = { kind: "procedure", args, operation: "Execute", request: args, response: undefined } as const;
        const { response, log } = await run(place, session, script, setup, logging);
        return { response, log, session };
      }).then(({ response, log, session }) => ({ response, log, lsn: session.lsn(), units: session.units() })),
    triggered: async ({ place, values, triggers, operation, body, id, work }) => {
      const pre = await named(engine, place, triggers.pre, "Pre", operation);
      const post = await named(engine, place, triggers.post, "Post", operation);
      return transaction(place, values, async (session) => {
        const { scene } = session;
        let request =
          id === undefined ? body : requestOf(operation, body, (await readItem(scene, values, id)).value.doc);
        const shared = { args: [], operation };
        for (const script of pre) {
          const outcome = await run(
            place,
            session,
            script,
            { kind: "pre", ...shared, request, response: undefined },
            false,
          );
          request = bodyOf(valueOf(outcome.request));
        }
        const result = await work(scene, request);
        let response: unknown = operation === "Delete" ? undefined : result.entry.value.doc;
        for (const script of post)
          response = valueOf(
            (await run(place, session, script, { kind: "post", ...shared, request, response }, false)).response,
          );
        return { result, response };
      });
    },
  };
};

/** @throws 400 */
const textOfSetup = (setup: ScriptSetup): string => {
  try {
    return JSON.stringify(setup);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw badRequest("The input content is invalid: it is nested too deeply.");
  }
};

const valueOf = (text: string | undefined): unknown => (text === undefined ? undefined : (JSON.parse(text) as unknown));

/** A delete has no body of its own; a replace's is told its self link by the service, which triggers read the old item by. */
const requestOf = (operation: TriggerOperation, body: JsonObject, existing: JsonObject): JsonObject => {
  if (operation === "Delete") return existing;
  const { _rid, _self } = existing;
  return { ...body, ...(_rid === undefined || _self === undefined ? {} : { _rid, _self }) };
};

/** A script may set a text instead of what it stands for. @throws 400 */
const bodyOf = (value: unknown): JsonObject => {
  let body = value;
  if (typeof value === "string")
    try {
      body = JSON.parse(value);
    } catch {
      body = undefined;
    }
  if (!isObject(body)) throw badRequest("The request body that a pre-trigger has set is not a JSON object.");
  return body;
};

/** Older definitions say Update where requests say Replace. */
const sameOperation = (operation: Json | undefined): Json | undefined =>
  operation === "Update" ? "Replace" : operation;

/** @throws 400 for a trigger that there is not, or not for this */
const named = async (
  engine: Engine,
  place: Located,
  names: readonly string[],
  type: "Pre" | "Post",
  operation: TriggerOperation,
): Promise<readonly ScriptRecord[]> => {
  // "Currently only one PreTrigger is permitted per operation" (.NET's ItemRequestOptions).
  if (names.length > 1) throw badRequest(`Only one ${type}-trigger is permitted per operation.`);
  const found: ScriptRecord[] = [];
  for (const name of names) {
    const script = await findScript(engine, place, "triggers", name);
    if (script === undefined) throw badRequest(`The trigger '${name.slice(0, 255)}' does not exist.`);
    const { triggerType, triggerOperation } = script.more;
    if (triggerType !== type)
      throw badRequest(
        `Trigger '${script.id}' was defined with trigger type '${textOf(triggerType)}', and therefore is invalid for '${type}'.`,
      );
    if (triggerOperation !== "All" && sameOperation(triggerOperation) !== operation)
      throw badRequest(
        `Trigger '${script.id}' was defined with operation type '${textOf(triggerOperation)}', and therefore is invalid for '${operation}'.`,
      );
    found.push(script);
  }
  return found;
};
