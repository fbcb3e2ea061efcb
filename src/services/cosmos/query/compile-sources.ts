/** FROM and JOIN to nested loops over slots. */
import type { Source } from "./ast.ts";
import { step as readStep } from "./compile-path.ts";
import { QueryError, unresolved } from "./errors.ts";
import { type Binding, type Compilation, type Evaluate, lookUp, type Scope } from "./scope.ts";
import type { Query } from "./ast.ts";
import { isArray, type Json } from "./values.ts";
import { requireLight } from "./weight.ts";

/** Calls back for every row; the callback's false ends the loops, and is handed up. */
export type Each = (row: () => boolean) => boolean;

export interface Sources {
  readonly each: Each;
  readonly scope: Scope;
  /** Where a top query's document goes. */
  readonly document: number;
}

/** All rows of a subquery in FROM. */
export type QueryRows = (query: Query, scope: Scope) => () => readonly Json[];

const oneRow: Each = (row) => row();

/** `next` inside `outer`. */
const nest = (outer: Each, next: Each): Each => (outer === oneRow ? next : (row) => outer(() => next(row)));

const loop =
  (compilation: Compilation, slot: number, values: () => readonly Json[]): Each =>
  (row) => {
    const { slots, step } = compilation;
    for (const value of values()) {
      step();
      slots[slot] = value;
      if (!row()) return false;
    }
    return true;
  };

const single =
  (compilation: Compilation, slot: number, value: Evaluate): Each =>
  (row) => {
    const found = value();
    if (found === undefined) return true;
    compilation.slots[slot] = found;
    return row();
  };

/** The value that a path in FROM starts from. The first name of a top query is the container, whatever it is called. */
const rootBinding = (source: Source, scope: Scope, container: Binding | undefined): Binding => {
  if (source.collection.kind !== "path") throw unresolved("", source.at);
  const { root } = source.collection;
  const found = lookUp(scope, root)?.binding ?? container;
  if (found === undefined)
    throw unresolved(root, { start: source.collection.at.start, end: source.collection.at.start + root.length });
  return found;
};

export const compileSources = (
  compilation: Compilation,
  from: readonly Source[],
  parent: Scope | undefined,
  queryRows: QueryRows,
): Sources => {
  const document = compilation.slot();
  const container: Binding = { slot: document, document: true };
  const names = new Map<string, Binding>();
  let scope: Scope = { names: new Map(), ...(parent === undefined ? {} : { parent }) };
  let each = oneRow;
  for (const [index, source] of from.entries()) {
    const { collection, alias, iterate } = source;
    let binding: Binding;
    if (collection.kind === "query") {
      const slot = compilation.slot();
      binding = { slot, document: false };
      const query = queryRows(collection.query, scope);
      const rows = (): readonly Json[] => {
        const found = query();
        for (const row of found) requireLight(row);
        return found;
      };
      each = nest(
        each,
        loop(compilation, slot, iterate ? () => rows().flatMap((row) => (isArray(row) ? row : [])) : rows),
      );
    } else {
      const root = rootBinding(source, scope, parent === undefined && index === 0 ? container : undefined);
      let value: Evaluate = () => compilation.slots[root.slot];
      for (const segment of collection.segments) value = readStep(value, segment);
      if (!iterate && collection.segments.length === 0) binding = root;
      else {
        const slot = compilation.slot();
        binding = { slot, document: false };
        const items = (): readonly Json[] => {
          const found = value();
          return isArray(found) ? found : [];
        };
        each = nest(each, iterate ? loop(compilation, slot, items) : single(compilation, slot, value));
      }
    }
    if (alias === undefined) names.set(` ${index}`, binding);
    else {
      if (names.has(alias))
        throw new QueryError(
          "SC2011",
          `The input alias '${alias}' is specified more than once in the FROM clause.`,
          source.at,
        );
      names.set(alias, binding);
    }
    scope = { ...scope, names: new Map(names) };
  }
  return { each, scope, document };
};
