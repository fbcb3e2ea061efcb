/** The typed syntax tree. Every node knows where it stands in the text, for error locations. */
import type { Location } from "./errors.ts";
import type { Json } from "./values.ts";

interface Node {
  readonly at: Location;
}

export type BinaryOperator =
  | "+"
  | "-"
  | "*"
  | "/"
  | "%"
  | "<<"
  | ">>"
  | ">>>"
  | "&"
  | "|"
  | "^"
  | "="
  | "!="
  | "<"
  | "<="
  | ">"
  | ">="
  | "||"
  | "??"
  | "AND"
  | "OR";

export type UnaryOperator = "-" | "+" | "~" | "NOT";

export type Expression =
  | (Node & { readonly kind: "literal"; readonly value: Json | undefined })
  | (Node & { readonly kind: "parameter"; readonly name: string })
  | (Node & { readonly kind: "identifier"; readonly name: string })
  | (Node & { readonly kind: "member"; readonly object: Expression; readonly key: string | number })
  | (Node & { readonly kind: "index"; readonly object: Expression; readonly index: Expression })
  | (Node & { readonly kind: "array"; readonly items: readonly Expression[] })
  | (Node & { readonly kind: "object"; readonly properties: readonly ObjectProperty[] })
  | (Node & { readonly kind: "unary"; readonly operator: UnaryOperator; readonly operand: Expression })
  | (Node & {
      readonly kind: "binary";
      readonly operator: BinaryOperator;
      readonly left: Expression;
      readonly right: Expression;
    })
  | (Node & {
      readonly kind: "conditional";
      readonly test: Expression;
      readonly consequent: Expression;
      readonly alternate: Expression;
    })
  | (Node & {
      readonly kind: "between";
      readonly negated: boolean;
      readonly value: Expression;
      readonly low: Expression;
      readonly high: Expression;
    })
  | (Node & {
      readonly kind: "in";
      readonly negated: boolean;
      readonly value: Expression;
      readonly items: readonly Expression[];
    })
  | (Node & {
      readonly kind: "like";
      readonly negated: boolean;
      readonly value: Expression;
      readonly pattern: Expression;
      readonly escape?: string;
    })
  | (Node & {
      readonly kind: "call";
      readonly name: string;
      readonly udf: boolean;
      readonly args: readonly Expression[];
    })
  | (Node & { readonly kind: "subquery"; readonly mode: SubqueryMode; readonly query: Query });

export type SubqueryMode = "scalar" | "EXISTS" | "ARRAY" | "ALL" | "FIRST" | "LAST";

export interface ObjectProperty {
  readonly name: string;
  readonly value: Expression;
}

export interface SelectItem {
  readonly expression: Expression;
  readonly alias?: string;
}

export type Selection =
  | { readonly kind: "star"; readonly at: Location }
  | { readonly kind: "value"; readonly expression: Expression }
  | { readonly kind: "list"; readonly items: readonly SelectItem[] };

/** `path[...]` below a name in FROM; the name is an alias of an earlier source or the container itself. */
export type Collection =
  | (Node & { readonly kind: "path"; readonly root: string; readonly segments: readonly (string | number)[] })
  | (Node & { readonly kind: "query"; readonly query: Query });

export interface Source extends Node {
  readonly collection: Collection;
  /** Undefined: rows that cannot be named (a subquery without alias). */
  readonly alias?: string;
  /** `alias IN collection`: one row per array element, instead of one row with the value itself. */
  readonly iterate: boolean;
}

/** A whole number or a parameter that holds one. */
export type Count =
  | { readonly kind: "number"; readonly value: number; readonly at: Location }
  | { readonly kind: "parameter"; readonly name: string; readonly at: Location };

export interface OrderItem {
  readonly expression: Expression;
  readonly descending: boolean;
}

export interface Query extends Node {
  readonly distinct: boolean;
  readonly top?: Count;
  readonly select: Selection;
  readonly from: readonly Source[];
  readonly where?: Expression;
  readonly groupBy: readonly Expression[];
  readonly orderBy: readonly OrderItem[];
  /** `ORDER BY RANK f(...)`: the scoring function; `orderBy` is empty then. */
  readonly rank?: Expression;
  readonly offset?: Count;
  readonly limit?: Count;
}
