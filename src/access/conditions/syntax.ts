/**
 * The syntax tree of an ABAC condition and its printed form.
 * https://learn.microsoft.com/azure/role-based-access-control/conditions-format
 */
export type AttributeSource = "Resource" | "Request" | "Principal" | "Environment";

export interface Attribute {
  readonly source: AttributeSource;
  /** As written between the brackets, e.g. `Microsoft.Storage/storageAccounts:name`. */
  readonly name: string;
}

export type Literal =
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "integer"; readonly value: number }
  | { readonly kind: "boolean"; readonly value: boolean }
  | { readonly kind: "guid"; readonly value: string };

export type Operand =
  | Literal
  | { readonly kind: "attribute"; readonly attribute: Attribute }
  | { readonly kind: "set"; readonly values: readonly Literal[] };

export type ValueType = "String" | "Numeric" | "DateTime" | "Bool" | "Guid";
export type Relation =
  | "Equals"
  | "NotEquals"
  | "StartsWith"
  | "NotStartsWith"
  | "Like"
  | "NotLike"
  | "LessThan"
  | "LessThanEquals"
  | "GreaterThan"
  | "GreaterThanEquals";

/** `[left, right]` of `ForAnyOfAllValues`: how many of the left values must hold against how many of the right. */
export type Quantifier = readonly ["Any" | "All", "Any" | "All"];

export interface Operator {
  readonly type: ValueType;
  readonly relation: Relation;
  readonly ignoreCase: boolean;
  readonly quantifier: Quantifier | undefined;
}

export type Expression =
  | { readonly kind: "and" | "or"; readonly operands: readonly Expression[] }
  | { readonly kind: "not"; readonly operand: Expression }
  | { readonly kind: "actionMatches"; readonly pattern: string }
  | { readonly kind: "subOperationMatches"; readonly name: string }
  | { readonly kind: "exists"; readonly attribute: Attribute }
  | { readonly kind: "comparison"; readonly left: Operand; readonly operator: Operator; readonly right: Operand };

const strings: readonly Relation[] = ["Equals", "NotEquals", "StartsWith", "NotStartsWith", "Like", "NotLike"];
const ordered: readonly Relation[] = [
  "Equals",
  "NotEquals",
  "LessThan",
  "LessThanEquals",
  "GreaterThan",
  "GreaterThanEquals",
];
const equality: readonly Relation[] = ["Equals", "NotEquals"];

const simpleOperators: readonly Operator[] = [
  ...strings.flatMap((relation) =>
    [false, true].map((ignoreCase): Operator => ({ type: "String", relation, ignoreCase, quantifier: undefined })),
  ),
  ...(["Numeric", "DateTime"] as const).flatMap((type) =>
    ordered.map((relation): Operator => ({ type, relation, ignoreCase: false, quantifier: undefined })),
  ),
  ...(["Bool", "Guid"] as const).flatMap((type) =>
    equality.map((relation): Operator => ({ type, relation, ignoreCase: false, quantifier: undefined })),
  ),
];

const quantifiers: readonly Quantifier[] = [
  ["Any", "Any"],
  ["All", "Any"],
  ["Any", "All"],
  ["All", "All"],
];

/** An operator as conditions spell it, e.g. `ForAnyOfAnyValues:StringEqualsIgnoreCase`. */
export const operatorName = (operator: Operator): string => {
  const [left, right] = operator.quantifier ?? [];
  const prefix = left === undefined || right === undefined ? "" : `For${left}Of${right}Values:`;
  return `${prefix}${operator.type}${operator.relation}${operator.ignoreCase ? "IgnoreCase" : ""}`;
};

/** Operators by lower-case name: a built-in role writes `boolequals`, so letter case does not matter. */
export const operatorsByName: ReadonlyMap<string, Operator> = new Map(
  simpleOperators
    .flatMap((operator) => [
      operator,
      ...(operator.type === "Bool" || operator.type === "DateTime"
        ? []
        : quantifiers.map((quantifier) => ({ ...operator, quantifier }))),
    ])
    .map((operator) => [operatorName(operator).toLowerCase(), operator]),
);

const quote = (text: string): string => `'${text.replaceAll("'", String.raw`\'`)}'`;
const printAttribute = (attribute: Attribute): string => `@${attribute.source}[${attribute.name}]`;

const printOperand = (operand: Operand): string => {
  switch (operand.kind) {
    case "attribute":
      return printAttribute(operand.attribute);
    case "set":
      return `{${operand.values.map(printOperand).join(", ")}}`;
    case "string":
      return quote(operand.value);
    case "integer":
    case "boolean":
    case "guid":
      return String(operand.value);
  }
};

/** A condition's text, fully parenthesised: parsing it gives the same tree. */
export const print = (expression: Expression): string => {
  switch (expression.kind) {
    case "and":
    case "or":
      return expression.operands.map((each) => `(${print(each)})`).join(` ${expression.kind.toUpperCase()} `);
    case "not":
      return `!(${print(expression.operand)})`;
    case "actionMatches":
      return `ActionMatches{${quote(expression.pattern)}}`;
    case "subOperationMatches":
      return `SubOperationMatches{${quote(expression.name)}}`;
    case "exists":
      return `Exists ${printAttribute(expression.attribute)}`;
    case "comparison":
      return `${printOperand(expression.left)} ${operatorName(expression.operator)} ${printOperand(expression.right)}`;
  }
};
