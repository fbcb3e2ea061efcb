import type { JsonObject } from "../../arm/record.ts";
import { queryValue } from "../../kernel/message.ts";
import { vaultFault } from "./faults.ts";
import { objectId, type VaultCall } from "./target.ts";

const most = 25;

/**
 * One page of a list: at most 25 items or `maxresults`, and `nextLink` with a `$skiptoken` while there are more. The token
 * holds the last key of the page, so pages stay whole while objects come and go.
 * @param load items after a key, in key order, at most so many
 */
export const pageOf = async <T>(
  call: Pick<VaultCall, "request" | "target">,
  load: (after: string, limit: number) => Promise<readonly T[]>,
  keyOf: (item: T) => string,
  show: (item: T) => Promise<JsonObject | undefined> | JsonObject | undefined,
): Promise<JsonObject> => {
  const limit = limitOf(call);
  const found = await load(after(call), limit + 1);
  const value: JsonObject[] = [];
  for (const item of found.slice(0, limit)) {
    const shown = await show(item);
    if (shown !== undefined) value.push(shown);
  }
  const last = found[limit - 1];
  if (found.length <= limit || last === undefined) return { value, nextLink: null };
  const token = Buffer.from(keyOf(last)).toString("base64url");
  const version = encodeURIComponent(queryValue(call.request, "api-version") ?? "");
  const base = objectId(call.target.vault).replace(/\/$/, "");
  return {
    value,
    nextLink: `${base}:443${call.request.rawPath}?api-version=${version}&$skiptoken=${token}&maxresults=${limit}`,
  };
};

const limitOf = (call: Pick<VaultCall, "request">): number => {
  const asked = queryValue(call.request, "maxresults");
  if (asked === undefined || asked === "") return most;
  const limit = /^\d{1,4}$/.test(asked) ? Number(asked) : 0;
  if (limit < 1 || limit > most)
    throw vaultFault("invalid", { name: "maxresults", why: `It must be a number from 1 to ${most}.` });
  return limit;
};

const after = (call: Pick<VaultCall, "request">): string => {
  const token = queryValue(call.request, "$skiptoken");
  if (token === undefined) return "";
  const key = Buffer.from(token, "base64url").toString("utf8");
  if (!/^[0-9a-z-]{1,127}$/.test(key)) throw vaultFault("invalid", { name: "$skiptoken", why: "It is none of ours." });
  return key;
};
