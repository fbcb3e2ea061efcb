/** Regular expressions with the modifiers `i`, `m`, `s` and `x`. */
import type { Value } from "../values.ts";
import { between, type FunctionTable } from "./definition.ts";

/** `x`: white space and `# comments` outside of sets are no part of the pattern. */
const withoutSpace = (pattern: string): string => {
  let result = "";
  let inSet = false;
  for (let index = 0; index < pattern.length; index++) {
    const character = pattern[index] ?? "";
    if (character === "\\") {
      result += character + (pattern[++index] ?? "");
      continue;
    }
    if (character === "[") inSet = true;
    if (character === "]") inSet = false;
    if (!inSet && character === "#") {
      while (index < pattern.length && pattern[index] !== "\n") index += 1;
    } else if (inSet || !/\s/.test(character)) result += character;
  }
  return result;
};

const maxCached = 100;
const cache = new Map<string, RegExp | undefined>();

/** Undefined for a pattern or modifiers that are not valid. */
const compile = (pattern: string, modifiers: string): RegExp | undefined => {
  if (!/^[imsx]*$/.test(modifiers)) return undefined;
  const key = `${modifiers}/${pattern}`;
  if (cache.has(key)) return cache.get(key);
  let compiled: RegExp | undefined;
  const flags = [...new Set(modifiers)].filter((flag) => flag !== "x").join("");
  try {
    compiled = new RegExp(modifiers.includes("x") ? withoutSpace(pattern) : pattern, flags);
  } catch {
    compiled = undefined;
  }
  if (cache.size >= maxCached) cache.clear();
  cache.set(key, compiled);
  return compiled;
};

const withPattern = (run: (text: string, pattern: RegExp) => Value) =>
  between(2, 3, (text, pattern, modifiers = "") => {
    if (typeof text !== "string" || typeof pattern !== "string" || typeof modifiers !== "string") return undefined;
    const compiled = compile(pattern, modifiers);
    return compiled === undefined ? undefined : run(text, compiled);
  });

export const regexFunctions: FunctionTable = {
  REGEXMATCH: withPattern((text, pattern) => pattern.test(text)),
  REGEXEXTRACT: withPattern((text, pattern) => pattern.exec(text)?.[0]),
  REGEXEXTRACTALL: withPattern((text, pattern) =>
    Array.from(text.matchAll(new RegExp(pattern.source, `${pattern.flags}g`)), ([found]) => found),
  ),
};
