/**
 * Azure resource ids and management paths. An id is a scope, `providers`, a namespace, then type and name in turn; ids
 * compare case-insensitively and whole segments at a time.
 * Source: learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules, access.md 3.1.
 */
import { decodeSegment } from "../kernel/match.ts";

export interface ArmPath {
  /** The scope before the last `/providers/`, as written: "" for the tenant. */
  readonly scope: string;
  readonly namespace: string;
  /** Type segments as written in the URL: `["sites", "config"]`. */
  readonly types: readonly string[];
  readonly names: readonly string[];
  /** Trailing verb of a POST, e.g. `listKeys`. */
  readonly action: string | undefined;
  /** The address ends in a type: a list. */
  readonly collection: boolean;
}

/** Decoded segments of a path, with `//` collapsed and a trailing `/` dropped (management SDKs send both). */
export const segmentsOf = (rawPath: string): string[] => rawSegmentsOf(rawPath).map(decodeSegment);

/** The same, still percent-encoded. */
export const rawSegmentsOf = (rawPath: string): string[] => rawPath.split("/").filter((segment) => segment !== "");

/** Reads a management path below `/providers/`; undefined when there is none. POST addresses may end in an action. */
export const parseArmPath = (segments: readonly string[], method: string): ArmPath | undefined => {
  const at = segments.findLastIndex((segment) => segment.toLowerCase() === "providers");
  const namespace = segments[at + 1];
  if (at === -1 || namespace === undefined || at % 2 !== 0) return undefined;
  const rest = segments.slice(at + 2);
  const odd = rest.length % 2 === 1;
  const action = odd && method === "POST" ? rest.at(-1) : undefined;
  const named = action === undefined ? rest : rest.slice(0, -1);
  return {
    scope: at === 0 ? "" : `/${segments.slice(0, at).join("/")}`,
    namespace,
    types: named.filter((_, index) => index % 2 === 0),
    names: named.filter((_, index) => index % 2 === 1),
    action,
    collection: odd && action === undefined,
  };
};

/** `Microsoft.Web/sites/config`, as written. */
export const typeOf = (path: Pick<ArmPath, "namespace" | "types">): string => [path.namespace, ...path.types].join("/");

/** The id a path addresses (a list: its parent's id or scope), as written. */
export const idOf = (path: ArmPath): string => {
  const parts = path.names.map((name, index) => `${path.types[index]}/${name}`);
  if (parts.length === 0) return path.scope === "" ? "/" : path.scope;
  return `${path.scope}/providers/${path.namespace}/${parts.join("/")}`;
};

/** Key under which an id is stored and compared: lower case, no trailing slash. */
export const idKey = (id: string): string => {
  const key = id
    .toLowerCase()
    .replaceAll(/\/{2,}/g, "/")
    .replace(/\/$/, "");
  return key === "" ? "/" : key;
};

export const subscriptionOf = (id: string): string | undefined => /^\/subscriptions\/([^/]+)/i.exec(id)?.[1];

/** Id of the resource group that an id lies in (or is), as written. */
export const groupIdOf = (id: string): string | undefined =>
  /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+/i.exec(id)?.[0];

export const groupNameOf = (id: string): string | undefined => /\/resourceGroups\/([^/]+)/i.exec(id)?.[1];

/** Last segment of an id. */
export const nameOf = (id: string): string => id.slice(id.lastIndexOf("/") + 1);

/** Id of the parent resource of a child, or of the scope of a top-level one. */
export const parentOf = (id: string): string => {
  const segments = id.split("/");
  const parent = segments.slice(0, -2);
  return parent.at(-2)?.toLowerCase() === "providers" ? parent.slice(0, -2).join("/") : parent.join("/");
};
