/** What answers queries and read feeds of the data plane, in this thread or another. */
import type { IndexUtilization } from "../query/index-utilization.ts";
import type { QueryPlan } from "../query/query.ts";
import type { Extent } from "./extent.ts";
import type { FunctionSource, QuerySpec } from "./query-port.ts";
import type { ContainerRecord, Json, JsonObject } from "./records.ts";

/** Plain data: it crosses threads. */
export interface PageQuestion {
  readonly account: string;
  readonly container: ContainerRecord;
  readonly extent: Extent;
  /** Undefined: every document as it is, a read feed. */
  readonly spec: QuerySpec | undefined;
  /** User-defined functions that the query calls. */
  readonly functions: readonly FunctionSource[];
  readonly token: string | undefined;
  /** Results of the page. */
  readonly limit: number;
  /** Milliseconds, tenant clock. */
  readonly now: number;
  readonly withIndexes: boolean;
}

export interface PageAnswer {
  /** The body, JSON in UTF-8. */
  readonly body: Uint8Array;
  readonly count: number;
  /** Characters of the results. */
  readonly size: number;
  /** Undefined: that was all. */
  readonly token: string | undefined;
  /** Documents looked at, and bytes of them. */
  readonly scanned: number;
  readonly scannedBytes: number;
  readonly lsn: number;
  /** What `x-ms-cosmos-index-utilization` tells, when asked for. */
  readonly indexes: IndexUtilization | undefined;
}

export interface QueryReader {
  /** @throws Fault 400 */
  page(question: PageQuestion): Promise<PageAnswer>;
  /** A query over a short list. @throws Fault 400 */
  list(spec: QuerySpec, documents: readonly JsonObject[]): Promise<readonly Json[]>;
  /** What SDKs ask before a query. @throws Fault 400 when it is no query for such a container */
  plan(spec: QuerySpec, definition: JsonObject): Promise<QueryPlan>;
  /** The user-defined functions that a query calls. @throws Fault 400 */
  functionsOf(spec: QuerySpec): Promise<readonly string[]>;
  /** A container is gone. */
  forget(rid: string): void;
  close(): Promise<void>;
}

const refused = (): Promise<never> => Promise.reject(new Error("This engine was opened without a reader of queries."));

export const noReader: QueryReader = {
  page: refused,
  list: refused,
  plan: refused,
  functionsOf: refused,
  forget: () => undefined,
  close: () => Promise.resolve(),
};
