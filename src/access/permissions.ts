/** How one permission object of a role stands to an action. Matchers are compiled once and answers remembered. */
import type { ActionKind, Permission } from "./definitions.ts";
import { type ActionMatcher, matcher } from "./patterns.ts";

const rememberAtMost = 2_000;

interface Compiled {
  /** `undefined`: not among the actions. `""`: granted. Else the `not…` pattern that takes it away. */
  standing(lowerCaseAction: string): string | undefined;
}

const compileLists = (grants: readonly string[], exclusions: readonly string[]): Compiled => {
  const granting = grants.map(matcher);
  const excluding = exclusions.map((pattern): readonly [string, ActionMatcher] => [pattern, matcher(pattern)]);
  const known = new Map<string, string | undefined>();
  return {
    standing(action) {
      if (known.has(action)) return known.get(action);
      const granted = granting.some((matches) => matches(action));
      const standing = granted ? (excluding.find(([, matches]) => matches(action))?.[0] ?? "") : undefined;
      if (known.size >= rememberAtMost) known.clear();
      known.set(action, standing);
      return standing;
    },
  };
};

const compiledPermissions = new WeakMap<Permission, Readonly<Record<ActionKind, Compiled>>>();

const compiled = (permission: Permission): Readonly<Record<ActionKind, Compiled>> => {
  let made = compiledPermissions.get(permission);
  if (made === undefined) {
    made = {
      action: compileLists(permission.actions, permission.notActions),
      data: compileLists(permission.dataActions, permission.notDataActions),
    };
    compiledPermissions.set(permission, made);
  }
  return made;
};

/**
 * The answer in its short form, for an action in lower case. Undefined: not among the actions. Empty: granted. Else the
 * `not…` pattern that takes it away.
 */
export const standing = (permission: Permission, kind: ActionKind, lowerCaseAction: string): string | undefined =>
  compiled(permission)[kind].standing(lowerCaseAction);

/** True when the permission object grants the action, its condition aside. */
export const grantsAction = (permission: Permission, kind: ActionKind, action: string): boolean =>
  standing(permission, kind, action.toLowerCase()) === "";
