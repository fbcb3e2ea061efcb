/** Cuts a condition's text into tokens. */
import type { AttributeSource } from "./syntax.ts";

export type Token =
  | { readonly kind: "(" | ")" | "{" | "}" | "," | "and" | "or" | "not" | "end"; readonly at: number }
  | { readonly kind: "string"; readonly value: string; readonly at: number }
  | { readonly kind: "word"; readonly value: string; readonly at: number }
  | { readonly kind: "attribute"; readonly source: AttributeSource; readonly name: string; readonly at: number };

/** A condition that cannot be read. `position` counts characters from 0. */
export class ConditionSyntaxError extends Error {
  readonly position: number;
  constructor(problem: string, position: number) {
    super(`${problem} at position ${position}`);
    this.name = "ConditionSyntaxError";
    this.position = position;
  }
}

const sources = new Map<string, AttributeSource>(
  (["Resource", "Request", "Principal", "Environment"] as const).map((source) => [source.toLowerCase(), source]),
);

const space = /\s+/y;
const word = /[A-Za-z0-9_.:-]+/y;
// `\'` is a quote; any other backslash stays as it is, because Like patterns escape with it (`\*`, `\?`, `\\`).
const quoted = /'((?:[^'\\]|\\[\s\S])*)'/y;
const attribute = /@([A-Za-z]+)\s*\[([^[\]']+)\]/y;
const words: Readonly<Record<string, "and" | "or" | "not">> = { and: "and", or: "or", not: "not" };

/** @throws ConditionSyntaxError */
export const tokenize = (text: string): Token[] => {
  const tokens: Token[] = [];
  let at = 0;
  const take = (form: RegExp): RegExpExecArray | undefined => {
    form.lastIndex = at;
    return form.exec(text) ?? undefined;
  };
  while (at < text.length) {
    const blank = take(space);
    if (blank !== undefined) {
      at += blank[0].length;
      continue;
    }
    const character = text[at] as string;
    const pair = text.slice(at, at + 2);
    if (pair === "&&" || pair === "||") {
      tokens.push({ kind: pair === "&&" ? "and" : "or", at });
      at += 2;
    } else if (character === "!") {
      tokens.push({ kind: "not", at });
      at += 1;
    } else if (character === "(" || character === ")" || character === "{" || character === "}" || character === ",") {
      tokens.push({ kind: character, at });
      at += 1;
    } else if (character === "'") {
      const found = take(quoted);
      if (found === undefined) throw new ConditionSyntaxError("The string is not closed", at);
      const value = (found[1] ?? "").replaceAll(/\\([\s\S])/g, (both, next: string) => (next === "'" ? "'" : both));
      tokens.push({ kind: "string", value, at });
      at += found[0].length;
    } else if (character === "@") {
      const found = take(attribute);
      const source = sources.get(found?.[1]?.toLowerCase() ?? "");
      if (found === undefined || source === undefined) {
        throw new ConditionSyntaxError(
          "An attribute must be @Resource[…], @Request[…], @Principal[…] or @Environment[…]",
          at,
        );
      }
      tokens.push({ kind: "attribute", source, name: (found[2] ?? "").trim(), at });
      at += found[0].length;
    } else {
      const found = take(word);
      if (found === undefined) throw new ConditionSyntaxError(`'${character}' is not expected`, at);
      const keyword = Object.hasOwn(words, found[0].toLowerCase()) ? words[found[0].toLowerCase()] : undefined;
      tokens.push(keyword === undefined ? { kind: "word", value: found[0], at } : { kind: keyword, at });
      at += found[0].length;
    }
  }
  tokens.push({ kind: "end", at });
  return tokens;
};
