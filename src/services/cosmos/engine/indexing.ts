/** What a container's indexing policy says about paths. */
import { isObject } from "./definition.ts";
import { type Json, type JsonObject, textOf } from "./records.ts";

const pathsOf = (policy: JsonObject, name: string): readonly string[] => {
  const listed = policy[name];
  return (Array.isArray(listed) ? (listed as Json[]) : []).map((each) =>
    textOf(isObject(each) ? each["path"] : undefined),
  );
};

/** How long the part of a policy path is that fits: `/a/*` fits all below `/a`, `/a/?` it alone; -1: it does not fit. */
const fit = (policyPath: string, path: string): number => {
  if (policyPath.endsWith("/*")) {
    const stem = policyPath.slice(0, -2);
    return path === stem || path.startsWith(`${stem}/`) ? stem.length : -1;
  }
  const exact = policyPath.replace(/\/\?$/, "");
  return path === exact ? exact.length + 1 : -1;
};

const best = (paths: readonly string[], path: string): number => Math.max(-1, ...paths.map((each) => fit(each, path)));

/** Whether a path, written `/a/b`, is indexed: the more precise of included and excluded paths decides. */
export const indexes = (definition: JsonObject, path: string): boolean => {
  const policy = definition["indexingPolicy"];
  if (!isObject(policy)) return true;
  if (policy["indexingMode"] === "none") return false;
  const included = best(pathsOf(policy, "includedPaths"), path);
  return included >= 0 && included >= best(pathsOf(policy, "excludedPaths"), path);
};
