/** Walks over tokens; the two halves of the parser share it. */
import { type Location, QueryError, syntaxError, tooComplex } from "./errors.ts";
import { type Token, tokenize } from "./tokens.ts";

/** Nesting of expressions and subqueries; keeps recursion far from the end of the stack. */
const maxDepth = 200;

export interface Cursor {
  peek(ahead?: number): Token;
  next(): Token;
  /** Whether the next token is this punctuation or keyword (upper case). */
  at(text: string): boolean;
  take(text: string): boolean;
  expect(text: string): Token;
  fail(token?: Token): never;
  /** From the start of a token to the end of the last one taken. */
  since(start: Location): Location;
  /** Runs one level deeper. */
  nested<T>(work: () => T): T;
}

/** Words that end a clause: never an implicit alias or the start of an operand. */
export const reserved: ReadonlySet<string> = new Set(
  "AND ARRAY AS ASC BETWEEN BY DESC DISTINCT ESCAPE EXISTS FALSE FROM GROUP IN JOIN LIKE LIMIT NOT NULL OFFSET OR ORDER SELECT TOP TRUE UDF UNDEFINED VALUE WHERE".split(
    " ",
  ),
);

export const openCursor = (text: string): Cursor => {
  const tokens = tokenize(text);
  const end = tokens.at(-1);
  if (end === undefined) throw new QueryError("SC1001", "Syntax error.");
  let position = 0;
  let depth = 0;
  const peek = (ahead = 0): Token => tokens[position + ahead] ?? end;
  const at = (text: string): boolean => {
    const token = peek();
    return token.upper === text && (token.kind === "word" || token.kind === "punctuation");
  };
  const next = (): Token => {
    const token = peek();
    if (position < tokens.length) position += 1;
    return token;
  };
  const fail = (token: Token = peek()): never => {
    if (token.kind === "end") throw new QueryError("SC1001", "Syntax error, unexpected end of query.", token.at);
    throw syntaxError(token.text, token.at);
  };
  return {
    peek,
    at,
    next,
    fail,
    take: (text) => {
      if (!at(text)) return false;
      position += 1;
      return true;
    },
    expect: (text) => (at(text) ? next() : fail()),
    since: (start) => ({ start: start.start, end: (tokens[position - 1] ?? end).at.end }),
    nested: (work) => {
      depth += 1;
      if (depth > maxDepth) throw tooComplex(`it nests deeper than ${maxDepth} levels`, peek().at);
      const result = work();
      depth -= 1;
      return result;
    },
  };
};
