import { pathMatcher } from "../kernel/match.ts";
import type { Request } from "../kernel/message.ts";
import type { AnyOperation, Match, Matcher } from "../kernel/operation.ts";
import type { TypeOperations } from "./generated.ts";
import { type ArmPath, parseArmPath, rawSegmentsOf, segmentsOf, typeOf } from "./resource-id.ts";
import type { ArmTarget, ResourceType } from "./resource-type.ts";

/**
 * Finds the operation of a management request: a declared template first (subscriptions, groups, name checks), then the
 * resource type at the end of the path. Letter case, `//` and a trailing `/` do not matter.
 */
export const armMatcher = (
  fixed: readonly AnyOperation<ArmTarget>[],
  types: ReadonlyMap<string, TypeOperations>,
  declared: readonly ResourceType[],
): Matcher<ArmTarget> => {
  const templates = pathMatcher(fixed, { segments: rawSegmentsOf, ignoreCase: true });
  return async (request): Promise<Match<ArmTarget> | undefined> => {
    const template = await templates(request);
    if (template !== undefined) return template;
    const path = parseArmPath(segmentsOf(request.rawPath), request.method);
    if (path === undefined) return undefined;
    if (typeAt(path, declared) === undefined) return undefined;
    const operation = types.get(typeOf(path).toLowerCase())?.get(verbOf(request, path));
    return operation === undefined ? undefined : { operation, parameters: {} };
  };
};

/** The type that a path names, if resources of it may stand at the path's scope. */
export const typeAt = (path: ArmPath, types: readonly ResourceType[]): ResourceType | undefined => {
  const name = typeOf(path).toLowerCase();
  return types.find((type) => type.type.toLowerCase() === name && mayStand(type, path));
};

const subscription = /^\/subscriptions\/[^/]+$/i;
const group = /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+$/i;

const mayStand = ({ at }: ResourceType, { scope, names }: ArmPath): boolean => {
  switch (at) {
    case "extension":
      return true;
    case "group":
      return group.test(scope) || (names.length === 0 && subscription.test(scope));
    case "subscription":
      return subscription.test(scope);
    case "tenant":
      return scope === "";
  }
};

const verbOf = (request: Request, path: NonNullable<ReturnType<typeof parseArmPath>>): string => {
  if (path.action !== undefined) return `action:${path.action.toLowerCase()}`;
  switch (request.method) {
    case "GET":
    case "HEAD":
      return path.collection ? "list" : "read";
    case "PUT":
    case "PATCH":
    case "DELETE":
      return path.collection ? "none" : request.method.toLowerCase();
    default:
      return "none";
  }
};
