/** Text to tokens. Linear in the length of the text. */
import { type Location, QueryError, syntaxError, tooComplex } from "./errors.ts";

export type TokenKind = "word" | "number" | "string" | "parameter" | "punctuation" | "end";

export interface Token {
  readonly kind: TokenKind;
  /** As written. */
  readonly text: string;
  /** Words: upper case, for keywords. */
  readonly upper: string;
  /** Numbers and strings. */
  readonly value?: number | string;
  readonly at: Location;
}

/** `maxSqlQueryInputLength` of the account document. */
const maxLength = 262_144;

const space = /[\s\uFEFF]+|--[^\r\n]*/y;
const word = /[\p{L}_$][\p{L}\p{N}\p{M}_$]*/uy;
const parameter = /@[\p{L}\p{N}_$][\p{L}\p{N}_$]*/uy;
const number = /0[xX][0-9a-fA-F]+|(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y;
const punctuation = />>>|<<|>>|<=|>=|!=|<>|\|\||\?\?|[-+*/%&|^~<>=?:,.()[\]{}]/y;
const placeholder = /\{documentdb-formattableorderbyquery-filter\}/y;

const escapes: Readonly<Record<string, string>> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };

/** The token at `start`, or undefined. */
const match = (pattern: RegExp, text: string, start: number): string | undefined => {
  pattern.lastIndex = start;
  return pattern.exec(text)?.[0];
};

const readString = (text: string, start: number): Token => {
  const quote = text[start];
  let value = "";
  let position = start + 1;
  let chunk = position;
  for (; position < text.length; position++) {
    const character = text[position];
    if (character === quote) {
      const at = { start, end: position + 1 };
      value += text.slice(chunk, position);
      return { kind: "string", text: text.slice(at.start, at.end), upper: "", value, at };
    }
    if (character !== "\\") continue;
    value += text.slice(chunk, position);
    const next = text[position + 1] ?? "";
    if (next === "u") {
      const digits = text.slice(position + 2, position + 6);
      if (!/^[0-9a-fA-F]{4}$/.test(digits)) break;
      value += String.fromCharCode(Number.parseInt(digits, 16));
      position += 5;
    } else if (Object.hasOwn(escapes, next)) {
      value += escapes[next];
      position += 1;
    } else if (next === '"' || next === "'" || next === "\\" || next === "/") {
      value += next;
      position += 1;
    } else break;
    chunk = position + 1;
  }
  throw new QueryError("SC1012", "Syntax error, invalid string literal token.", {
    start,
    end: Math.min(text.length, position + 1),
  });
};

/** Throws QueryError. The last token is of kind `end`. */
export const tokenize = (text: string): readonly Token[] => {
  if (text.length > maxLength) throw tooComplex(`its text is longer than ${maxLength} characters`);
  const tokens: Token[] = [];
  let position = 0;
  for (;;) {
    for (let blank = match(space, text, position); blank !== undefined; blank = match(space, text, position))
      position += blank.length;
    if (position >= text.length) break;
    const character = text[position] ?? "";
    if (character === '"' || character === "'") {
      const token = readString(text, position);
      tokens.push(token);
      position = token.at.end;
      continue;
    }
    const [kind, found] = scan(text, position);
    if (found === undefined || kind === undefined) {
      const near = String.fromCodePoint(text.codePointAt(position) ?? 0);
      throw syntaxError(near, { start: position, end: position + near.length });
    }
    const at = { start: position, end: position + found.length };
    tokens.push({
      kind,
      text: found,
      upper: kind === "word" ? found.toUpperCase() : found,
      ...(kind === "number" ? { value: Number(found) } : {}),
      at,
    });
    position = at.end;
    // `12abc` is one mistake, not a number and an alias.
    const tail = kind === "number" ? match(word, text, position) : undefined;
    if (tail !== undefined)
      throw new QueryError("SC1011", "Syntax error, invalid numeric value token.", {
        start: at.start,
        end: position + tail.length,
      });
  }
  tokens.push({ kind: "end", text: "", upper: "", at: { start: text.length, end: text.length } });
  return tokens;
};

const scan = (text: string, position: number): readonly [TokenKind | undefined, string | undefined] => {
  const asWord = match(word, text, position);
  if (asWord !== undefined) return ["word", asWord];
  const asNumber = match(number, text, position);
  if (asNumber !== undefined) return ["number", asNumber];
  const asParameter = match(parameter, text, position);
  if (asParameter !== undefined) return ["parameter", asParameter];
  // SDKs put a filter in its place before they send a rewritten query; sent as it is, it filters nothing.
  const asPlaceholder = match(placeholder, text, position);
  if (asPlaceholder !== undefined) return ["word", asPlaceholder];
  return ["punctuation", match(punctuation, text, position)];
};
