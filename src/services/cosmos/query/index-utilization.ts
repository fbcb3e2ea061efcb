/** What `x-ms-cosmos-index-utilization` tells: the indexes a query uses, and those that would help. */
import type { Query } from "./ast.ts";
import { compositeIndexNeeded, type CompositePath, policyPath, servesOrder } from "./composite.ts";
import { narrowing, orderPaths, type PathRange } from "./ranges.ts";
import type { Value } from "./values.ts";

export interface SingleIndex {
  readonly FilterExpression: string;
  readonly IndexSpec: string;
  readonly FilterPreciseSet: boolean;
  readonly IndexPreciseSet: boolean;
  readonly IndexImpactScore: "High" | "Low";
}

export interface CompositeIndex {
  readonly IndexSpecs: readonly string[];
  readonly IndexPreciseSet: boolean;
  readonly IndexImpactScore: "High" | "Low";
}

interface Indexes {
  readonly SingleIndexes: readonly SingleIndex[];
  readonly CompositeIndexes: readonly CompositeIndex[];
}

export interface IndexUtilization {
  readonly Utilized: Indexes;
  readonly Potential: Indexes;
}

export interface IndexPolicy {
  /** Whether the policy indexes a path, written `/a/b`. */
  readonly covers: (path: string) => boolean;
  readonly compositeIndexes: readonly (readonly CompositePath[])[];
}

const single = (path: string): SingleIndex => ({
  FilterExpression: "",
  IndexSpec: `${path}/?`,
  FilterPreciseSet: true,
  IndexPreciseSet: true,
  IndexImpactScore: "High",
});

const composite = (paths: readonly CompositePath[]): CompositeIndex => ({
  IndexSpecs: paths.map(({ path, order }) => `${path} ${order === "ascending" ? "ASC" : "DESC"}`),
  IndexPreciseSet: true,
  IndexImpactScore: "High",
});

/** Equalities first, then at most one range: what a composite index over several filters would hold. */
const suggested = (ranges: readonly PathRange[]): readonly CompositePath[] | undefined => {
  const path = (range: PathRange): CompositePath => ({ path: policyPath(range.path), order: "ascending" });
  const equalities = ranges.filter(({ kind }) => kind === "equality").map(path);
  const others = ranges
    .filter(({ kind }) => kind !== "equality")
    .map(path)
    .slice(0, 1);
  const all = [...equalities, ...others].filter(
    ({ path: at }, index, list) => list.findIndex((other) => other.path === at) === index,
  );
  return equalities.length > 0 && all.length > 1 ? all : undefined;
};

export const indexUtilization = (
  query: Query,
  policy: IndexPolicy,
  parameters?: ReadonlyMap<string, Value>,
  computed?: ReadonlySet<string>,
): IndexUtilization => {
  const { ranges } = narrowing(query, parameters, computed);
  const order = orderPaths(query);
  const paths = new Set([
    ...ranges.map((range) => policyPath(range.path)),
    ...(order?.length === 1 ? order.map((item) => policyPath(item.path)) : []),
  ]);
  const needed = compositeIndexNeeded(query) ?? suggested(ranges);
  const served = needed !== undefined && policy.compositeIndexes.some((index) => servesOrder(index, needed));
  return {
    Utilized: {
      SingleIndexes: [...paths].filter(policy.covers).map(single),
      CompositeIndexes: needed !== undefined && served ? [composite(needed)] : [],
    },
    Potential: {
      SingleIndexes: [...paths].filter((path) => !policy.covers(path)).map(single),
      CompositeIndexes: needed !== undefined && !served ? [composite(needed)] : [],
    },
  };
};
