import { addRoute, createRouter, findAllRoutes } from "rou3";
import type { Request } from "./message.ts";
import { queryValue } from "./message.ts";
import type { AnyOperation, Match, Matcher } from "./operation.ts";

export interface PathReading {
  /** Raw segments of a path. Default: split at `/`, empty segments kept. */
  readonly segments?: (rawPath: string) => string[];
  /** Templates are lower case and segments compare in any letter case; parameters keep the client's spelling. */
  readonly ignoreCase?: boolean;
}

/**
 * A matcher over path templates: the router finds the template (fixed segments before parameters), then the operation
 * with the most discriminators that all hold wins, so that a list needs no order. Parameters are read from the raw path,
 * because a blob's name may hold empty segments, which routers drop.
 */
export const pathMatcher = <Target>(
  operations: readonly AnyOperation<Target>[],
  { segments = rawSegments, ignoreCase = false }: PathReading = {},
): Matcher<Target> => {
  const router = createRouter<readonly AnyOperation<Target>[]>();
  for (const [key, group] of grouped(operations)) {
    const [method = "", path = ""] = key.split(" ");
    addRoute(
      router,
      method,
      path,
      group.toSorted((a, b) => weight(b) - weight(a)),
    );
  }
  const find = (request: Request, raw: readonly string[]): Match<Target> | undefined => {
    const address = `/${raw.map((each) => routed(each, ignoreCase)).join("/")}`;
    for (const route of findAllRoutes(router, request.method, address, { params: false }).toReversed())
      for (const operation of route.data) {
        const parameters = chosen(request, operation) ? parametersOf(operation.path, raw) : undefined;
        if (parameters !== undefined) return { operation, parameters };
      }
    return undefined;
  };
  return (request) => {
    const raw = segments(request.rawPath);
    const found = find(request, raw);
    if (found !== undefined || raw.at(-1) !== "") return found;
    return find(request, raw.slice(0, -1));
  };
};

const rawSegments = (rawPath: string): string[] => (rawPath === "/" ? [] : rawPath.slice(1).split("/"));

/** Stands for a segment that the router would fold away (empty, `.` and `..`). */
const placeholder = "%00";

const routed = (segment: string, ignoreCase: boolean): string => {
  if (segment === "" || segment === "." || segment === "..") return placeholder;
  return ignoreCase ? segment.toLowerCase() : segment;
};

const grouped = <Target>(operations: readonly AnyOperation<Target>[]): Map<string, AnyOperation<Target>[]> => {
  const groups = new Map<string, AnyOperation<Target>[]>();
  for (const operation of operations)
    for (const method of [operation.method].flat()) {
      const key = `${method} ${operation.path}`;
      groups.set(key, [...(groups.get(key) ?? []), operation]);
    }
  return groups;
};

const weight = (operation: AnyOperation<never>): number =>
  Object.keys(operation.query ?? {}).length + Object.keys(operation.headers ?? {}).length;

const chosen = (request: Request, operation: AnyOperation<never>): boolean =>
  discriminated(operation.query, (name) => queryValue(request, name)) &&
  discriminated(operation.headers, (name) => request.header(name.toLowerCase()));

const discriminated = (
  wanted: Readonly<Record<string, string | true>> = {},
  value: (name: string) => string | undefined,
): boolean =>
  Object.entries(wanted).every(([name, text]) => {
    const found = value(name);
    return found !== undefined && (text === true || found.toLowerCase() === text.toLowerCase());
  });

/** Parameters of a template by position; undefined when a rest parameter is left without a name. */
const parametersOf = (template: string, raw: readonly string[]): Record<string, string> | undefined => {
  const parameters: Record<string, string> = {};
  for (const [index, part] of template.split("/").slice(1).entries()) {
    if (part.startsWith("**:")) {
      const rest = raw.slice(index).join("/");
      if (rest === "") return undefined;
      parameters[part.slice(3)] = decodeSegment(rest);
      return parameters;
    }
    if (part.startsWith(":")) parameters[part.slice(1)] = decodeSegment(raw[index] ?? "");
  }
  return parameters;
};

/** Percent-decodes; text that is no valid encoding stays as it is (the handler's name rules refuse it). */
export const decodeSegment = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};
