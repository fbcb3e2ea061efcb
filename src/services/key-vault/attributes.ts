import { isObject, type JsonObject, readTags } from "../../arm/record.ts";
import type { VersionRecord } from "./engine.ts";
import { vaultFault } from "./faults.ts";
import { isAtLeast } from "./request.ts";
import type { VaultCall } from "./target.ts";
import type { Vault } from "./vault.ts";

/** What a client may say about a version. */
export type AskedAttributes = Pick<VersionRecord, "nbf" | "exp"> & { readonly enabled?: boolean };

/** Reads `attributes` of a body; what is absent or null is not said. Times are whole seconds. @throws Fault 400 */
export const readAttributes = (body: JsonObject): AskedAttributes => {
  const asked = body["attributes"] ?? {};
  if (!isObject(asked)) throw vaultFault("invalid", { name: "attributes", why: "It must be an object." });
  const enabled = asked["enabled"] ?? undefined;
  if (enabled !== undefined && typeof enabled !== "boolean")
    throw vaultFault("invalid", { name: "attributes.enabled", why: "It must be true or false." });
  const nbf = seconds(asked, "nbf");
  const exp = seconds(asked, "exp");
  if (nbf !== undefined && exp !== undefined && exp <= nbf)
    throw vaultFault("invalid", { name: "attributes.exp", why: "It must be later than nbf." });
  return {
    ...(enabled === undefined ? {} : { enabled }),
    ...(nbf === undefined ? {} : { nbf }),
    ...(exp === undefined ? {} : { exp }),
  };
};

const seconds = (asked: JsonObject, name: "nbf" | "exp"): number | undefined => {
  const value = asked[name] ?? undefined;
  if (value === undefined) return undefined;
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0)
    throw vaultFault("invalid", { name: `attributes.${name}`, why: "It must be a time in seconds since 1970." });
  return value;
};

/** Tags of a body; undefined when it says none. @throws Fault 400 */
export const tagsOf = (body: JsonObject): Readonly<Record<string, string>> | undefined => {
  const asked = body["tags"] ?? undefined;
  if (asked === undefined) return undefined;
  if (!isObject(asked)) throw vaultFault("invalid", { name: "tags", why: "It must be an object of texts." });
  const tags = readTags(asked);
  if (Object.keys(tags).length > 15) throw vaultFault("invalid", { name: "tags", why: "An object takes 15 tags." });
  if (Object.entries(tags).some((pair) => pair.some((text) => text.length > 256)))
    throw vaultFault("invalid", { name: "tags", why: "Names and values take 256 characters." });
  return tags;
};

/** A text member of a body; undefined when absent or null. @throws Fault 400 */
export const textIn = (body: JsonObject, name: string, longest: number): string | undefined => {
  const value = body[name] ?? undefined;
  if (value === undefined) return undefined;
  if (typeof value !== "string") throw vaultFault("invalid", { name, why: "It must be a text." });
  if (value.length > longest) throw vaultFault("invalid", { name, why: `It takes ${longest} characters.` });
  return value;
};

/** How deletion works in a vault, in the words of `recoveryLevel`. */
export const recoveryLevel = ({ retentionDays, purgeProtection }: Vault): string =>
  `${retentionDays < 90 ? "Customized" : ""}Recoverable${purgeProtection ? "" : "+Purgeable"}`;

/** `attributes` as answers show them; older api-versions do not know `recoverableDays`. */
export const attributesOf = (call: Pick<VaultCall, "request" | "target">, version: VersionRecord): JsonObject => ({
  enabled: version.enabled,
  ...(version.nbf === undefined ? {} : { nbf: version.nbf }),
  ...(version.exp === undefined ? {} : { exp: version.exp }),
  created: version.created,
  updated: version.updated,
  recoveryLevel: recoveryLevel(call.target.vault),
  ...(isAtLeast(call, "7.1") ? { recoverableDays: call.target.vault.retentionDays } : {}),
});
