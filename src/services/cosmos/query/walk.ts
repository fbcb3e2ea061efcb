/** Visits expressions; subqueries are handed to the visitor as they are, not entered. */
import type { Expression } from "./ast.ts";

export const childrenOf = (expression: Expression): readonly Expression[] => {
  switch (expression.kind) {
    case "literal":
    case "parameter":
    case "identifier":
    case "subquery":
      return [];
    case "member":
      return [expression.object];
    case "index":
      return [expression.object, expression.index];
    case "array":
      return expression.items;
    case "object":
      return expression.properties.map(({ value }) => value);
    case "unary":
      return [expression.operand];
    case "binary":
      return [expression.left, expression.right];
    case "conditional":
      return [expression.test, expression.consequent, expression.alternate];
    case "between":
      return [expression.value, expression.low, expression.high];
    case "in":
      return [expression.value, ...expression.items];
    case "like":
      return [expression.value, expression.pattern];
    case "call":
      return expression.args;
  }
};

/** Whether the expression or a part of it satisfies the test. */
export const some = (expression: Expression, test: (part: Expression) => boolean): boolean =>
  test(expression) || childrenOf(expression).some((child) => some(child, test));
