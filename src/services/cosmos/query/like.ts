/**
 * LIKE: `%` any text, `_` one character, `[abc]`, `[a-f]`, `[^abc]` one character of a set; the escape character takes
 * the next one literally. Matching goes back only to the last `%`, so it stays within pattern times text.
 */

type Part = { readonly kind: "any" } | { readonly kind: "one"; readonly accepts: (character: string) => boolean };

const literal = (wanted: string): Part => ({ kind: "one", accepts: (character) => character === wanted });

/** The set at `start` (after `[`) and where it ends; undefined when it is not closed. */
const readSet = (pattern: readonly string[], start: number): { part: Part; end: number } | undefined => {
  const end = pattern.indexOf("]", start + 1);
  if (end === -1) return undefined;
  const negated = pattern[start] === "^";
  const members = pattern.slice(negated ? start + 1 : start, end);
  const singles = new Set<string>();
  const ranges: (readonly [string, string])[] = [];
  for (let index = 0; index < members.length; index++) {
    const from = members[index] ?? "";
    const to = members[index + 2];
    if (members[index + 1] === "-" && to !== undefined) {
      ranges.push([from, to]);
      index += 2;
    } else singles.add(from);
  }
  const contains = (character: string): boolean =>
    singles.has(character) || ranges.some(([from, to]) => character >= from && character <= to);
  return { part: { kind: "one", accepts: (character) => contains(character) !== negated }, end };
};

const parts = (text: string, escape: string | undefined): Part[] => {
  const pattern = [...text];
  const found: Part[] = [];
  for (let index = 0; index < pattern.length; index++) {
    const character = pattern[index] ?? "";
    const next = pattern[index + 1];
    if (character === escape && next !== undefined) {
      found.push(literal(next));
      index += 1;
    } else if (character === "%") {
      if (found.at(-1)?.kind !== "any") found.push({ kind: "any" });
    } else if (character === "_") found.push({ kind: "one", accepts: () => true });
    else {
      const set = character === "[" ? readSet(pattern, index + 1) : undefined;
      found.push(set?.part ?? literal(character));
      if (set !== undefined) index = set.end;
    }
  }
  return found;
};

/** A matcher for one pattern; the whole text has to match, upper and lower case differ. */
export const likeMatcher = (pattern: string, escape?: string): ((text: string) => boolean) => {
  const simple = escape === undefined && !/[[_]/.test(pattern);
  const inner = pattern.slice(1, -1);
  if (simple && pattern.length > 1 && pattern.startsWith("%") && pattern.endsWith("%") && !inner.includes("%"))
    return (text) => text.includes(inner);
  if (simple && pattern.indexOf("%") === pattern.length - 1 && pattern !== "")
    return (text) => text.startsWith(pattern.slice(0, -1));
  const wanted = parts(pattern, escape);
  return (text) => {
    const characters = [...text];
    let at = 0;
    let part = 0;
    let resumeAt = 0;
    let resumePart = -1;
    while (at < characters.length) {
      const current = wanted[part];
      if (current?.kind === "any") {
        resumePart = part;
        resumeAt = at;
        part += 1;
      } else if (current?.accepts(characters[at] ?? "") === true) {
        at += 1;
        part += 1;
      } else if (resumePart >= 0) {
        resumeAt += 1;
        at = resumeAt;
        part = resumePart + 1;
      } else return false;
    }
    while (wanted[part]?.kind === "any") part += 1;
    return part === wanted.length;
  };
};
