/** What the data plane needs of the query language; `query-engine.ts` fits it to the evaluator in `query/`. */
import type { IndexUtilization } from "../query/index-utilization.ts";
import type { Narrowing } from "../query/query.ts";
import type { Json, JsonObject } from "./records.ts";

export interface QuerySpec {
  readonly text: string;
  readonly parameters: readonly { readonly name: string; readonly value: Json }[];
}

export interface QueryRun {
  /** Takes the next document. False: no further one is wanted. */
  add(document: JsonObject): boolean;
  /** Results that are ready; handed out once. Only streaming queries have any before the end. */
  take(): readonly Json[];
  finish(): readonly Json[];
  /** The same in steps of a few milliseconds. */
  finishing(): Generator<void, readonly Json[]>;
}

/** A query in two parts: which documents come when, and what each of them gives. */
export interface QueryFlow {
  /** Without ORDER BY, TOP, OFFSET and LIMIT. One run at a time, as with `PreparedQuery.open`. */
  open(checkpoint: () => number): QueryRun;
  /** Results to leave out first, and how many there may be after them. */
  readonly offset: number;
  readonly count: number;
  /** Undefined: results come in the order of documents. */
  readonly order: QueryOrder | undefined;
}

export interface QueryOrder {
  /** Sorts documents that the filter keeps: the results are what `name` said while the document was added. */
  open(checkpoint: () => number, name: () => Json): QueryRun;
  /** The one path that it sorts by, if it is one; documents without it are left out. */
  readonly by: { readonly path: readonly (string | number)[]; readonly descending: boolean } | undefined;
  /** Whether the indexing policy has an index on that path. */
  readonly indexed: boolean;
}

export interface PreparedQuery {
  /** Each document's results depend on it alone: no ORDER BY, GROUP BY, DISTINCT, aggregate, TOP or OFFSET. */
  readonly streaming: boolean;
  /** The documents are of no interest: `SELECT 1`. */
  readonly constant: boolean;
  /** SELECT VALUE: results are bare values. */
  readonly bare: boolean;
  /** What the filter says about indexed paths: documents outside need not be added. */
  readonly narrowing: Narrowing;
  /** What it says about any path. */
  readonly filter: Narrowing;
  /** Undefined: results come to be only once all documents were added. */
  readonly flow: QueryFlow | undefined;
  /**
   * One run at a time.
   * @param checkpoint called while a document is worked on; answers after how many steps to call again; may throw
   */
  open(checkpoint: () => number): QueryRun;
  /** With user-defined functions: runs the whole query elsewhere, in place of `open`. @returns the results as JSON texts */
  readonly elsewhere?: (documents: AsyncIterable<readonly JsonObject[]>) => Promise<readonly string[]>;
  /** What `x-ms-cosmos-index-utilization` tells. */
  indexes(): IndexUtilization;
}

/** A user-defined function: JavaScript. */
export interface FunctionSource {
  readonly name: string;
  readonly source: string;
}

export interface QueryEngine {
  /** The user-defined functions that a query calls. @throws Fault 400 also when it has more calls than are allowed */
  functionsOf(spec: QuerySpec): readonly string[];
  /**
   * @param definition of the container, for its indexing policy
   * @param functions that the query may call; undefined: any, but the query will not be run
   * @throws Fault 400 in the service's words
   */
  prepare(spec: QuerySpec, definition: JsonObject | undefined, functions?: readonly FunctionSource[]): PreparedQuery;
  /** Whether a patch's condition, `FROM c WHERE ...`, holds for a document. @throws Fault 400 */
  holds(condition: string, document: JsonObject): boolean;
}
