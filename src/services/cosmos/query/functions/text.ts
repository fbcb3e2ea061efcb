/** Full-text search: words are runs of letters and digits, compared without case. No stemming, no stop words. */
import { isArray, type Value } from "../values.ts";
import { fixed, type FunctionTable, many } from "./definition.ts";

export const words = (text: string): string[] => text.toLowerCase().match(/[\p{L}\p{N}\p{M}]+/gu) ?? [];

/** A text, or the texts of an array of strings. */
export const textsOf = (value: Value): readonly string[] | undefined => {
  if (typeof value === "string") return [value];
  return isArray(value) ? value.filter((item) => typeof item === "string") : undefined;
};

const holdsPhrase = (content: readonly string[], phrase: readonly string[]): boolean => {
  if (phrase.length === 0) return false;
  for (let start = content.indexOf(phrase[0] ?? ""); start >= 0; start = content.indexOf(phrase[0] ?? "", start + 1)) {
    if (phrase.every((word, index) => content[start + index] === word)) return true;
  }
  return false;
};

const holds = (texts: readonly (readonly string[])[], phrase: string): boolean => {
  const wanted = words(phrase);
  return texts.some((content) => holdsPhrase(content, wanted));
};

const searching =
  (combine: (results: readonly boolean[]) => boolean) =>
  (value: Value, ...phrases: Value[]): Value => {
    const texts = textsOf(value)?.map(words);
    if (texts === undefined || !phrases.every((phrase) => typeof phrase === "string")) return undefined;
    return combine(phrases.map((phrase) => holds(texts, phrase)));
  };

const all = (results: readonly boolean[]): boolean => results.every(Boolean);
const any = (results: readonly boolean[]): boolean => results.some(Boolean);

const containing =
  (ignoreCase: boolean, everyOne: boolean) =>
  (text: Value, ...wanted: Value[]): Value => {
    if (typeof text !== "string" || !wanted.every((part) => typeof part === "string")) return undefined;
    const content = ignoreCase ? text.toLowerCase() : text;
    const test = (part: string): boolean => content.includes(ignoreCase ? part.toLowerCase() : part);
    return everyOne ? wanted.every(test) : wanted.some(test);
  };

export const textFunctions: FunctionTable = {
  FULLTEXTCONTAINS: fixed(2, searching(all)),
  FULLTEXTCONTAINSALL: many(2, searching(all)),
  FULLTEXTCONTAINSANY: many(2, searching(any)),
  CONTAINS_ALL_CI: many(2, containing(true, true)),
  CONTAINS_ALL_CS: many(2, containing(false, true)),
  CONTAINS_ANY_CI: many(2, containing(true, false)),
  CONTAINS_ANY_CS: many(2, containing(false, false)),
};
