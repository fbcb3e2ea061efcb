/**
 * Decides a condition in three values: true, false, and "cannot be evaluated" with the reason. Only true grants. What
 * cannot be evaluated stays so under NOT: an attribute that an operation does not supply never opens a door.
 * (Azure: "if an attribute is missing, the check fails", .../role-based-access-control/conditions-format#exists)
 */
import { matchesAction } from "../patterns.ts";
import { type AttributeValues, isSupported, valueOf } from "./attributes.ts";
import { compare, type Value } from "./compare.ts";
import { type Attribute, type Expression, type Operand, type Operator, operatorName } from "./syntax.ts";

export interface ConditionContext {
  /** The (data) action of the check. */
  readonly action: string;
  /** Suboperations of the request, e.g. `Blob.List`. */
  readonly subOperations: readonly string[];
  readonly attributes: AttributeValues;
  /** Tenant time in milliseconds, for `@Environment[UtcNow]`. Absent: not evaluable. */
  readonly now: number | undefined;
}

export interface NotEvaluable {
  readonly notEvaluable: string;
}
export type Outcome = boolean | NotEvaluable;

const cannot = (reason: string): NotEvaluable => ({ notEvaluable: reason });

const not = (outcome: Outcome): Outcome => (typeof outcome === "boolean" ? !outcome : outcome);

/** Kleene's AND (`decisive` false) and OR (`decisive` true). */
const chain = (operands: readonly Expression[], decisive: boolean, context: ConditionContext): Outcome => {
  let unknown: NotEvaluable | undefined;
  for (const operand of operands) {
    const outcome = evaluateCondition(operand, context);
    if (outcome === decisive) return decisive;
    if (typeof outcome !== "boolean") unknown ??= outcome;
  }
  return unknown ?? !decisive;
};

const named = (attribute: Attribute): string => `@${attribute.source}[${attribute.name}]`;
const is = (attribute: Attribute, source: Attribute["source"], lowerName: string): boolean =>
  attribute.source === source && attribute.name.toLowerCase() === lowerName;

/** The values of an operand; a single value is a list of one. */
const values = (operand: Operand, operator: Operator, context: ConditionContext): readonly Value[] | NotEvaluable => {
  if (operand.kind === "set") return operand.values.map((each) => each.value);
  if (operand.kind !== "attribute") return [operand.value];
  const { attribute } = operand;
  if (!isSupported(attribute)) return cannot(`the attribute ${named(attribute)} is not supported`);
  if (is(attribute, "Environment", "utcnow")) {
    if (context.now === undefined || Number.isNaN(new Date(context.now).getTime()))
      return cannot("the time is not known");
    const usable = operator.relation === "GreaterThan" || operator.relation === "LessThan";
    return usable
      ? [new Date(context.now).toISOString()]
      : cannot(`UtcNow cannot be used with ${operatorName(operator)}`);
  }
  // The preview form of SubOperationMatches: a request without a suboperation simply is none of those named.
  if (is(attribute, "Request", "suboperation")) return context.subOperations.length > 0 ? context.subOperations : [""];
  const value = valueOf(attribute, context.attributes);
  if (value === undefined) return cannot(`the request does not supply the attribute ${named(attribute)}`);
  return typeof value === "object" ? value : [value];
};

const compareAll = (operator: Operator, left: readonly Value[], right: readonly Value[]): Outcome => {
  const [forLeft, forRight] = operator.quantifier ?? (["All", "All"] as const);
  let mismatch = false;
  const holds = (a: Value, b: Value): boolean => {
    const result = compare(operator, a, b);
    if (result === undefined) mismatch = true;
    return result === true;
  };
  const one = (a: Value): boolean =>
    forRight === "Any" ? right.some((b) => holds(a, b)) : right.every((b) => holds(a, b));
  const outcome = forLeft === "Any" ? left.some(one) : left.every(one);
  return mismatch ? cannot(`a value is not of the type that ${operatorName(operator)} compares`) : outcome;
};

const evaluateComparison = (
  expression: Extract<Expression, { kind: "comparison" }>,
  context: ConditionContext,
): Outcome => {
  const { operator } = expression;
  const left = values(expression.left, operator, context);
  if ("notEvaluable" in left) return left;
  const right = values(expression.right, operator, context);
  if ("notEvaluable" in right) return right;
  if (operator.quantifier === undefined && (left.length !== 1 || right.length !== 1)) {
    return cannot(`${operatorName(operator)} compares single values, and the attribute has several`);
  }
  return compareAll(operator, left, right);
};

/** Never throws, whatever the values are. */
export const evaluateCondition = (expression: Expression, context: ConditionContext): Outcome => {
  switch (expression.kind) {
    case "and":
      return chain(expression.operands, false, context);
    case "or":
      return chain(expression.operands, true, context);
    case "not":
      return not(evaluateCondition(expression.operand, context));
    case "actionMatches":
      return matchesAction(expression.pattern, context.action);
    case "subOperationMatches":
      return context.subOperations.some((each) => each.toLowerCase() === expression.name.toLowerCase());
    case "exists":
      return isSupported(expression.attribute)
        ? valueOf(expression.attribute, context.attributes) !== undefined
        : cannot(`the attribute ${named(expression.attribute)} is not supported`);
    case "comparison":
      return evaluateComparison(expression, context);
  }
};

/** True when a comparison anywhere in the condition uses a Guid operator. */
export const usesGuidOperator = (expression: Expression): boolean => {
  switch (expression.kind) {
    case "and":
    case "or":
      return expression.operands.some(usesGuidOperator);
    case "not":
      return usesGuidOperator(expression.operand);
    case "comparison":
      return expression.operator.type === "Guid";
    default:
      return false;
  }
};
