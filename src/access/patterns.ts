// Action patterns of role definitions. `*` crosses `/`, and `/*/` also matches nothing: Managed Identity Operator holds
// `…/userAssignedIdentities/*/assign/action` and is documented to allow `…/userAssignedIdentities/assign/action`.
//
// A compiled pattern is a list of literals searched from left to right. Taking the leftmost hit of each is enough, so
// the work is linear: no pattern in a custom role can stall the process, as a backtracking RegExp could.
interface Piece {
  readonly literal: string;
  // The piece must begin right after a `/`, because it follows `/*/`.
  readonly afterSlash: boolean;
}

export type ActionMatcher = (lowerCaseAction: string) => boolean;

const pieces = (pattern: string): Piece[] => {
  const list: Piece[] = [];
  const groups = pattern.split("/*/");
  for (const [index, group] of groups.entries()) {
    const slash = index < groups.length - 1 ? "/" : "";
    const literals = group.split("*");
    for (const [position, literal] of literals.entries()) {
      const last = position === literals.length - 1;
      list.push({ literal: last ? literal + slash : literal, afterSlash: index > 0 && position === 0 });
    }
  }
  return list;
};

const compile = (pattern: string): ActionMatcher => {
  const lower = pattern.toLowerCase();
  if (!lower.includes("*")) return (action) => action === lower;
  const [first, ...rest] = pieces(lower) as [Piece, ...Piece[]];
  const last = rest.pop() as Piece;
  return (action) => {
    if (!action.startsWith(first.literal)) return false;
    let at = first.literal.length;
    for (const piece of rest) {
      let hit = action.indexOf(piece.literal, at);
      while (piece.afterSlash && hit !== -1 && action[hit - 1] !== "/") hit = action.indexOf(piece.literal, hit + 1);
      if (hit === -1) return false;
      at = hit + piece.literal.length;
    }
    const start = action.length - last.literal.length;
    return start >= at && action.endsWith(last.literal) && (!last.afterSlash || action[start - 1] === "/");
  };
};

const compiled = new Map<string, ActionMatcher>();
const rememberAtMost = 10_000;

/** The matcher of a pattern, compiled once. It is given actions in lower case. */
export const matcher = (pattern: string): ActionMatcher => {
  const known = compiled.get(pattern);
  if (known !== undefined) return known;
  if (compiled.size >= rememberAtMost) compiled.clear();
  const made = compile(pattern);
  compiled.set(pattern, made);
  return made;
};

/** True when the action, in any letter case, matches the pattern. */
export const matchesAction = (pattern: string, action: string): boolean => matcher(pattern)(action.toLowerCase());
