import { storageFault } from "../faults.ts";
import type { Tags } from "./records.ts";

/** Conditions on tags: `"Project" = 'x' AND ("n" > '1' OR …)` (storage.md 6.1). `@container` names the container. */
interface Comparison {
  readonly kind: "compare";
  readonly key: string;
  readonly operator: string;
  readonly value: string;
}

interface Join {
  readonly kind: "and" | "or";
  readonly left: TagExpression;
  readonly right: TagExpression;
}

export type TagExpression = Comparison | Join;

const token = /\s*(?:(\()|(\))|(AND|OR)\b|(<>|>=|<=|=|>|<)|'((?:[^']|'')*)'|"((?:[^"]|"")*)"|(@?[A-Za-z_]\w*))/giy;

type Token = { readonly type: "open" | "close" | "join" | "operator" | "value" | "key"; readonly text: string };

const types = ["open", "close", "join", "operator", "value", "key", "key"] as const;

const tokensOf = (text: string): Token[] => {
  const found: Token[] = [];
  token.lastIndex = 0;
  while (text.slice(token.lastIndex).trim() !== "") {
    const match = token.exec(text);
    if (match === null)
      throw storageFault("invalidHeader", {}, { detail: { Reason: "The tag condition is not valid." } });
    const index = match.slice(1).findIndex((group) => group !== undefined);
    const type = types[index] ?? "key";
    const raw = match[index + 1] ?? "";
    found.push({ type, text: type === "value" ? raw.replaceAll("''", "'") : raw });
  }
  return found;
};

/** @throws Fault InvalidHeaderValue */
export const parseTagExpression = (text: string | undefined, limit: number): TagExpression | undefined => {
  if (text === undefined || text.trim() === "") return undefined;
  const invalid = (): Error =>
    storageFault("invalidHeader", {}, { detail: { Reason: "The tag condition is not valid." } });
  if (text.length > 8192) throw invalid();
  const tokens = tokensOf(text);
  let at = 0;
  let comparisons = 0;
  let depth = 0;
  const take = (type: Token["type"]): string => {
    const next = tokens[at++];
    if (next?.type !== type) throw invalid();
    return next.text;
  };
  const primary = (): TagExpression => {
    if (tokens[at]?.type === "open") {
      at++;
      // Deeper than any condition with so few comparisons needs to be.
      if (++depth > limit) throw invalid();
      const inner = any();
      take("close");
      depth--;
      return inner;
    }
    if (++comparisons > limit) throw invalid();
    return { kind: "compare", key: take("key"), operator: take("operator"), value: take("value") };
  };
  const joined = (word: string, kind: "and" | "or", next: () => TagExpression): TagExpression => {
    let left = next();
    while (tokens[at]?.type === "join" && tokens[at]?.text.toUpperCase() === word) {
      at++;
      left = { kind, left, right: next() };
    }
    return left;
  };
  const all = (): TagExpression => joined("AND", "and", primary);
  const any = (): TagExpression => joined("OR", "or", all);
  const expression = any();
  if (at !== tokens.length) throw invalid();
  return expression;
};

/** A comparison with a tag that is absent is false. Order is that of strings. */
export const tagsMatch = (expression: TagExpression, tags: Tags): boolean => {
  if (expression.kind !== "compare") {
    const { kind, left, right } = expression;
    return kind === "and"
      ? tagsMatch(left, tags) && tagsMatch(right, tags)
      : tagsMatch(left, tags) || tagsMatch(right, tags);
  }
  const { key, operator, value } = expression;
  const found = Object.hasOwn(tags, key) ? tags[key] : undefined;
  if (found === undefined) return false;
  switch (operator) {
    case "=":
      return found === value;
    case "<>":
      return found !== value;
    case ">":
      return found > value;
    case ">=":
      return found >= value;
    case "<":
      return found < value;
    default:
      return found <= value;
  }
};
