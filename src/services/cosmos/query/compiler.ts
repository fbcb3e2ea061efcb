/** What the parts of the compiler share. */
import type { Expression, Query, SubqueryMode } from "./ast.ts";
import type { Compilation, Evaluate, Scope } from "./scope.ts";
import type { Value } from "./values.ts";

export interface Compiler {
  readonly compilation: Compilation;
  readonly expression: (expression: Expression, scope: Scope) => Evaluate;
  readonly subquery: (mode: SubqueryMode, query: Query, scope: Scope) => Evaluate;
}

/** The value of an expression that is the same for every row: a literal or a parameter. */
export const constantOf = (expression: Expression, compilation: Compilation): { readonly value: Value } | undefined => {
  switch (expression.kind) {
    case "literal":
      return { value: expression.value };
    case "parameter":
      return { value: compilation.options.parameters?.get(expression.name) };
    default:
      return undefined;
  }
};
