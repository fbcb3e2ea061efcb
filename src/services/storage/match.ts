import { decodeSegment } from "../../kernel/match.ts";
import { queryValue, type Request } from "../../kernel/message.ts";
import type { Match, Matcher } from "../../kernel/operation.ts";
import type { BlobOperation, BlobTarget } from "./target.ts";

type Level = "account" | "container" | "blob";

export interface Address {
  readonly level: Level;
  readonly container: string | undefined;
  readonly blob: string | undefined;
}

/**
 * What a path addresses. One segment is a container only with `restype=container`; otherwise it is a blob in `$root`. A
 * `\` in a blob's name is a `/` (storage.md 2).
 */
export const addressOf = (rawPath: string, restype: string | undefined): Address => {
  if (rawPath === "/") return { level: "account", container: undefined, blob: undefined };
  const slash = rawPath.indexOf("/", 1);
  if (slash < 0 || slash === rawPath.length - 1) {
    const name = decodeSegment(slash < 0 ? rawPath.slice(1) : rawPath.slice(1, -1));
    if (restype === "container" || restype === "account" || slash > 0)
      return { level: "container", container: name, blob: undefined };
    return { level: "blob", container: "$root", blob: name.replaceAll("\\", "/") };
  }
  const container = decodeSegment(rawPath.slice(1, slash));
  return { level: "blob", container, blob: decodeSegment(rawPath.slice(slash + 1)).replaceAll("\\", "/") };
};

const levelOf = (path: string): Level => (path === "/" ? "account" : path.includes("**") ? "blob" : "container");

/**
 * Finds a blob operation by level, method, `restype`, `comp` and then headers: the operation with the most headers that
 * hold wins. Blob addresses do not fit a path router: names hold any character, and `$root` has no segment.
 */
export const blobMatcher = (operations: readonly BlobOperation[]): Matcher<BlobTarget> => {
  const table = new Map<string, BlobOperation[]>();
  for (const operation of operations)
    for (const method of [operation.method].flat()) {
      const { restype = "", comp = "" } = operation.query ?? {};
      const key = `${levelOf(operation.path)} ${method} ${String(restype)} ${String(comp)}`;
      table.set(
        key,
        [...(table.get(key) ?? []), operation].toSorted((a, b) => weight(b) - weight(a)),
      );
    }
  return (request): Match<BlobTarget> | undefined => {
    const bare = request.rawQuery === "";
    const restype = bare ? undefined : queryValue(request, "restype")?.toLowerCase();
    const comp = bare ? undefined : queryValue(request, "comp")?.toLowerCase();
    const { level, container, blob } = addressOf(request.rawPath, restype);
    const found = table
      // `restype` counts for containers and the account only.
      .get(
        `${level} ${request.method} ${(level === "blob" && restype !== "account" ? undefined : restype) ?? ""} ${comp ?? ""}`,
      )
      ?.find((operation) => chosen(request, operation));
    return found === undefined
      ? undefined
      : { operation: found, parameters: { container: container ?? "", blob: blob ?? "" } };
  };
};

const weight = ({ headers = {} }: BlobOperation): number => Object.keys(headers).length;

const chosen = (request: Request, operation: BlobOperation): boolean => {
  for (const [name, wanted] of Object.entries(operation.headers ?? {})) {
    const value = request.header(name);
    if (value === undefined || (wanted !== true && value.toLowerCase() !== wanted.toLowerCase())) return false;
  }
  return true;
};
