/**
 * Chains (`a AND b AND ...`, `c.x.y...`) are loops for the parser, but deep trees for everything after it, which walks
 * them by recursion. This walk does not recurse, and refuses trees that the others could not stand.
 */
import type { Expression, Query } from "./ast.ts";
import { selected } from "./checks.ts";
import { tooComplex } from "./errors.ts";
import { childrenOf } from "./walk.ts";

const maxDepth = 1000;

const expressionsOf = (query: Query): readonly Expression[] => [
  ...selected(query),
  ...(query.where === undefined ? [] : [query.where]),
  ...query.groupBy,
  ...query.orderBy.map(({ expression }) => expression),
  ...(query.rank === undefined ? [] : [query.rank]),
];

const subqueriesOf = (query: Query): readonly Query[] =>
  query.from.flatMap(({ collection }) => (collection.kind === "query" ? [collection.query] : []));

export const requireShallow = (query: Query): void => {
  const queries: { readonly query: Query; readonly depth: number }[] = [{ query, depth: 0 }];
  for (let next = queries.pop(); next !== undefined; next = queries.pop()) {
    const { depth: outer } = next;
    for (const inner of subqueriesOf(next.query)) queries.push({ query: inner, depth: outer + 1 });
    const pending = expressionsOf(next.query).map((expression) => ({ expression, depth: outer }));
    for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
      const { expression, depth } = at;
      if (depth > maxDepth) throw tooComplex(`it nests deeper than ${maxDepth} levels`, expression.at);
      if (expression.kind === "subquery") queries.push({ query: expression.query, depth: depth + 1 });
      for (const child of childrenOf(expression)) pending.push({ expression: child, depth: depth + 1 });
    }
  }
};
