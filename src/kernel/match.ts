import { addRoute, createRouter, findAllRoutes } from "rou3";
import type { Request } from "./message.ts";
import { queryValue } from "./message.ts";
import type { AnyOperation, Match, Matcher } from "./operation.ts";

const chosen = (request: Request, operation: AnyOperation<never>): boolean => {
  for (const [name, wanted] of Object.entries(operation.query ?? {})) {
    const value = queryValue(request, name);
    if (value === undefined || (wanted !== true && value.toLowerCase() !== wanted.toLowerCase())) return false;
  }
  for (const [name, wanted] of Object.entries(operation.headers ?? {})) {
    const value = request.header(name.toLowerCase());
    if (value === undefined || (wanted !== true && value.toLowerCase() !== wanted.toLowerCase())) return false;
  }
  return true;
};

const weight = (operation: AnyOperation<never>): number =>
  Object.keys(operation.query ?? {}).length + Object.keys(operation.headers ?? {}).length;

/**
 * A matcher over path templates: the router finds the template (fixed segments before parameters), then the operation
 * with the most discriminators that all hold wins, so that a list needs no order.
 */
export const pathMatcher = <Target>(
  operations: readonly AnyOperation<Target>[],
  normalise: (path: string) => string = (path) => path,
): Matcher<Target> => {
  const groups = new Map<string, AnyOperation<Target>[]>();
  for (const operation of operations)
    for (const method of [operation.method].flat()) {
      const key = `${method} ${operation.path}`;
      groups.set(key, [...(groups.get(key) ?? []), operation]);
    }
  const router = createRouter<AnyOperation<Target>[]>();
  for (const [key, group] of groups) {
    const [method = "", path = ""] = key.split(" ");
    addRoute(
      router,
      method,
      path,
      group.toSorted((a, b) => weight(b as AnyOperation<never>) - weight(a as AnyOperation<never>)),
    );
  }
  return (request): Match<Target> | undefined => {
    const found = findAllRoutes(router, request.method, normalise(request.rawPath), { params: true });
    for (const route of found.toReversed())
      for (const operation of route.data)
        if (chosen(request, operation)) return { operation, parameters: decodeParameters(route.params ?? {}) };
    return undefined;
  };
};

const decodeParameters = (raw: Readonly<Record<string, string>>): Record<string, string> => {
  const decoded: Record<string, string> = {};
  for (const [name, value] of Object.entries(raw)) decoded[name] = decodeSegment(value);
  return decoded;
};

/** Percent-decodes; text that is no valid encoding stays as it is (the handler's name rules refuse it). */
export const decodeSegment = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};
