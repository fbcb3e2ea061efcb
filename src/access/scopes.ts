/**
 * Azure scopes: parsed, compared by whole segment and without regard to case, so that `/…/containers/photos` never
 * covers `photos2`. https://learn.microsoft.com/azure/role-based-access-control/scope-overview
 */
export type ScopeLevel = "root" | "managementGroup" | "subscription" | "resourceGroup" | "resource" | "other";

export interface Scope {
  /** As given, without doubled or trailing slashes; `/` for the root. */
  readonly text: string;
  /** `text` in lower case: the form to compare and to index by. */
  readonly key: string;
  readonly segments: readonly string[];
  readonly level: ScopeLevel;
  readonly managementGroup: string | undefined;
  readonly subscription: string | undefined;
  readonly resourceGroup: string | undefined;
}

const levelOf = (lower: readonly string[]): ScopeLevel => {
  const count = lower.length;
  if (count === 0) return "root";
  if (lower[0] === "providers") {
    return count === 3 && lower[1] === "microsoft.management" && lower[2] === "managementgroups"
      ? "other"
      : count === 4 && lower[1] === "microsoft.management" && lower[2] === "managementgroups"
        ? "managementGroup"
        : count >= 4 && count % 2 === 0
          ? "resource"
          : "other";
  }
  if (lower[0] !== "subscriptions" || count < 2) return "other";
  if (count === 2) return "subscription";
  const inGroup = lower[2] === "resourcegroups";
  if (inGroup && count === 4) return "resourceGroup";
  const provider = inGroup ? 4 : 2;
  const complete = lower[provider] === "providers" && count >= provider + 4 && (count - provider) % 2 === 0;
  return complete ? "resource" : "other";
};

const remembered = new Map<string, Scope | undefined>();
const rememberAtMost = 10_000;

const read = (given: string): Scope | undefined => {
  if (!given.startsWith("/")) return undefined;
  const segments = given.split("/").filter((segment) => segment !== "");
  // A dot segment could mean another resource to whoever reads the path later.
  if (segments.some((segment) => segment === "." || segment === "..")) return undefined;
  const text = `/${segments.join("/")}`;
  const lower = segments.map((segment) => segment.toLowerCase());
  const level = levelOf(lower);
  const inSubscription = lower[0] === "subscriptions";
  return {
    text,
    key: `/${lower.join("/")}`,
    segments,
    level,
    managementGroup: level === "managementGroup" ? segments[3] : undefined,
    subscription: inSubscription ? segments[1] : undefined,
    resourceGroup: inSubscription && lower[2] === "resourcegroups" ? segments[3] : undefined,
  };
};

/**
 * Reads a decoded scope (no percent-encoding). Undefined for a text that does not begin with `/` or has dot segments.
 * Results are remembered, as the same few scopes are asked for again and again.
 */
export const parseScope = (text: string): Scope | undefined => {
  const known = remembered.get(text);
  if (known !== undefined || remembered.has(text)) return known;
  const scope = read(text);
  if (remembered.size >= rememberAtMost) remembered.clear();
  remembered.set(text, scope);
  return scope;
};

/** The form to compare and index by; undefined for a text that is no scope. */
export const scopeKey = (text: string): string | undefined => parseScope(text)?.key;

/** True when a grant at `outer` reaches `inner` by path alone. Management groups: see `AccessIndex.ancestors`. */
export const covers = (outer: string, inner: string): boolean => {
  const a = scopeKey(outer);
  const b = scopeKey(inner);
  if (a === undefined || b === undefined) return false;
  return a === "/" || a === b || b.startsWith(`${a}/`);
};

const rememberedParents = new Map<string, readonly string[]>();

/** The keys of a scope and of all that contain it by path, narrowest first, the root `/` last. */
export const selfAndParents = (scope: Scope): readonly string[] => {
  const known = rememberedParents.get(scope.key);
  if (known !== undefined) return known;
  const keys: string[] = [];
  for (let end = scope.key.length; end > 0; end = scope.key.lastIndexOf("/", end - 1))
    keys.push(scope.key.slice(0, end));
  if (scope.key !== "/") keys.push("/");
  if (rememberedParents.size >= rememberAtMost) rememberedParents.clear();
  rememberedParents.set(scope.key, keys);
  return keys;
};
