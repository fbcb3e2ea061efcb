/** What a compilation knows: slots for the values of names, the names in reach, and what the caller handed in. */
import type { Query } from "./ast.ts";
import { tooComplex } from "./errors.ts";
import type { Accumulator } from "./aggregates.ts";
import type { Json, Value } from "./values.ts";

export type Evaluate = () => Value;
/** Whether a row is kept: the value is exactly `true`. */
export type Test = () => boolean;

export type DistanceFunction = "cosine" | "dotproduct" | "euclidean";

export interface UserFunctions {
  /** Undefined: there is no such function. It gets copies or frozen values as the host sees fit. */
  get(name: string): ((args: readonly Value[]) => Value) | undefined;
}

/** A virtual property of every document: `SELECT VALUE expr FROM c`. */
export interface ComputedProperty {
  readonly name: string;
  readonly query: Query;
}

/** BM25 needs figures about the whole container; without them full-text scores count occurrences. */
export interface TextStatistics {
  /** The number of documents, and how many of them hold the term in the path (`/a/b`); average length in terms. */
  readonly documents: number;
  holding(path: string, term: string): number;
  averageLength(path: string): number;
}

export interface QueryOptions {
  /** By name, with the `@`. */
  readonly parameters?: ReadonlyMap<string, Value>;
  readonly udf?: UserFunctions;
  /** Milliseconds since 1970. Without it the current time is an error of the caller's. */
  readonly now?: () => number;
  /** In [0, 1). */
  readonly random?: () => number;
  readonly computedProperties?: readonly ComputedProperty[];
  /** What stands for a row in the results, in place of the select list. */
  readonly project?: () => Json;
  readonly textStatistics?: TextStatistics;
  /** Of the container's vector policy, for a path written `/a/b`; calls may name another one. Default: cosine. */
  readonly distanceFunction?: (path: string) => DistanceFunction | undefined;
  /** Called between steps and function calls; answers after how many to be called again. May throw to stop the run (deadline). */
  readonly checkpoint?: () => number;
  /** Rows looked at before a run is refused as too complex. Default 50 million. */
  readonly maxSteps?: number;
}

/** Counts of one run, for the request charge and the metrics header. */
export interface RunStatistics {
  documents: number;
  rows: number;
  functionCalls: number;
  userFunctionCalls: number;
  output: number;
}

export interface Compilation {
  readonly slots: Value[];
  readonly options: QueryOptions;
  readonly statistics: RunStatistics;
  readonly slot: () => number;
  /** Counts one row or array element; throws when there were too many. */
  readonly step: () => void;
  /** Counts work within a row towards the next checkpoint. */
  readonly pulse: () => void;
}

export interface Aggregate {
  readonly create: () => Accumulator;
  readonly argument: Evaluate;
  readonly slot: number;
}

/** The SELECT and ORDER BY of a grouped query: names are reached only through keys and aggregates. */
export interface Grouping {
  readonly keys: ReadonlyMap<string, number>;
  readonly aggregates: Aggregate[];
  /** Where arguments of aggregates are compiled. */
  readonly rows: Scope;
}

export interface Binding {
  readonly slot: number;
  /** The whole document: computed properties are found here. */
  readonly document: boolean;
}

export interface Scope {
  readonly names: ReadonlyMap<string, Binding>;
  readonly parent?: Scope;
  readonly grouping?: Grouping;
  /** Inside the argument of an aggregate. */
  readonly insideAggregate?: boolean;
  /** In ORDER BY RANK. */
  readonly ranking?: boolean;
}

/** The binding and the scope that holds it. */
export const lookUp = (scope: Scope | undefined, name: string): { binding: Binding; scope: Scope } | undefined => {
  for (let at = scope; at !== undefined; at = at.parent) {
    const binding = at.names.get(name);
    if (binding !== undefined) return { binding, scope: at };
  }
  return undefined;
};

export const newCompilation = (options: QueryOptions): Compilation => {
  const slots: Value[] = [];
  const limit = options.maxSteps ?? 50_000_000;
  let steps = 0;
  let left = 1;
  const pulse = (): void => {
    left -= 1;
    if (left > 0) return;
    left = options.checkpoint?.() ?? 4096;
    if (steps > limit) throw tooComplex(`it looks at more than ${limit} rows`);
  };
  return {
    slots,
    options,
    statistics: { documents: 0, rows: 0, functionCalls: 0, userFunctionCalls: 0, output: 0 },
    slot: () => slots.push(undefined) - 1,
    step: () => {
      steps += 1;
      pulse();
    },
    pulse,
  };
};
