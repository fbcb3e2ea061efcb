import { isObject, type JsonObject } from "../../arm/record.ts";
import type { Call } from "../../kernel/call.ts";
import { Fault } from "../../kernel/fault.ts";
import { queryValue } from "../../kernel/message.ts";
import { vaultFault } from "./faults.ts";

/** Api-versions in order of their publication. New ones count as newest: clients must not wait for us. */
const known = ["2015-06-01", "2016-10-01", "7.0", "7.1", "7.2", "7.3", "7.4", "7.5", "7.6", "2025-06-01", "2025-07-01"];

/**
 * Position of an api-version among those known; previews stand with the version they precede. Undefined: it is none.
 * Versions were dates, then numbers from 7.0, then dates again.
 */
export const rankOf = (version: string): number | undefined => {
  const plain = version.toLowerCase().replace(/-preview(\.\d+)?$/, "");
  const at = known.indexOf(plain);
  if (at !== -1) return at;
  if (/^7\.\d{1,2}$/.test(plain)) return known.indexOf("7.6");
  const year = /^20(\d{2})-\d{2}-\d{2}$/.exec(plain)?.[1];
  if (year === undefined) return undefined;
  return Number(year) >= 24 ? known.length : undefined;
};

type AnyCall = Pick<Call, "request" | "parameters">;

/** Is the request's api-version at least this one? */
export const isAtLeast = (call: Pick<Call, "request">, version: string): boolean =>
  (rankOf(queryValue(call.request, "api-version") ?? "") ?? 0) >= (rankOf(version) ?? 0);

/** @throws Fault 400 for an api-version that does not exist or has no such operation, and for impossible names */
export const checkRequest = (call: AnyCall, since: string | undefined): void => {
  const version = queryValue(call.request, "api-version");
  if (version === undefined) throw vaultFault("missingApiVersion");
  const rank = rankOf(version);
  if (rank === undefined) throw vaultFault("invalidApiVersion", { version: printable(version) });
  if (since !== undefined && rank < (rankOf(since) ?? 0))
    throw vaultFault("notInVersion", { version: printable(version), since });
  const { name, version: object } = call.parameters;
  if (name !== undefined && !/^[0-9a-zA-Z-]{1,127}$/.test(name))
    throw vaultFault("invalidName", { name: printable(name) });
  if (object !== undefined && object !== "" && !/^[0-9a-f]{32}$/i.test(object))
    throw vaultFault("invalidVersion", { version: printable(object) });
};

/** A client's own text as a message may quote it: short, without control characters. */
export const printable = (text: string): string => text.replaceAll(/[^\x20-\x7E]/g, "?").slice(0, 130);

/** The body as an object; absent is empty. The parser's own words are not passed on: they quote the body, a secret maybe. */
export const readObject = async (call: Pick<Call, "body">): Promise<JsonObject> => {
  let body: unknown;
  try {
    body = (await call.body.json()) ?? {};
  } catch (error) {
    if (error instanceof Fault && error.status === 400) throw vaultFault("notJson");
    throw error;
  }
  if (!isObject(body)) throw vaultFault("notJson");
  return body;
};
