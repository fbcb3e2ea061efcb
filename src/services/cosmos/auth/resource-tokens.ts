/**
 * Resource tokens: what an app hands to a client that may see a part of a container, made from a permission. They are
 * signed with a secret of the tenant and name the permission, which is looked up at each request: what it allows, and
 * whether it still is, counts as of then. https://learn.microsoft.com/rest/api/cosmos-db/permissions
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import type { SecretCaller } from "../../../kernel/caller.ts";
import { type CollectionSpec, ConditionFailed } from "../../../store/store.ts";
import type { Account } from "../accounts.ts";
import { isObject } from "../engine/definition.ts";
import { type Engine, nowSeconds } from "../engine/engine.ts";
import { permissionOfRid, type PermissionRecord } from "../engine/users.ts";
import { badRequest, cosmosFault } from "../faults.ts";

export interface ResourceTokens {
  /** The value of `_token`. @param seconds how long it holds, tenant clock */
  issue(account: Account, permission: PermissionRecord, seconds: number): Promise<string>;
  /** Who presents a token; `signature` is what stands behind `sig=`. @throws 401, 403 */
  verify(account: Account, signature: string): Promise<SecretCaller>;
}

export const scheme = "ResourceToken";

/** Tenant-wide, made when the first token is. */
const secretSpec: CollectionSpec<{ readonly secret: string }> = { name: "cosmosTokenSecret", sealed: ["secret"] };
const secretPartition = "cosmos";
const secretKey = "resource-tokens";

const standardLifetime = 3600;
const longestLifetime = 18_000;

/** `x-ms-documentdb-expiry-seconds`: an hour unless asked for, five at most. @throws 400 */
export const lifetimeOf = (header: string | undefined): number => {
  if (header === undefined || header === "") return standardLifetime;
  const seconds = Number(header);
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > longestLifetime)
    throw badRequest(`The value of x-ms-documentdb-expiry-seconds must be from 1 to ${longestLifetime}.`);
  return seconds;
};

const usTime = (seconds: number): string => new Date(seconds * 1000).toUTCString();

interface Claims {
  readonly account: string;
  /** Rid of the permission. */
  readonly permission: string;
  readonly from: number;
  readonly until: number;
}

const read = (payload: string): Claims | undefined => {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(payload, "base64").toString("utf8"));
  } catch {
    return undefined;
  }
  if (!isObject(value)) return undefined;
  const { account, permission, from, until } = value;
  if (typeof account !== "string" || typeof permission !== "string") return undefined;
  return typeof from === "number" && typeof until === "number" ? { account, permission, from, until } : undefined;
};

export const openResourceTokens = (engine: Engine): ResourceTokens => {
  const secrets = engine.store.collection(secretSpec);
  let known: Promise<Buffer> | undefined;
  const load = async (): Promise<Buffer> => {
    const found = await secrets.get(secretPartition, secretKey);
    if (found !== undefined) return Buffer.from(found.value.secret, "base64");
    try {
      const made = engine.ids.bytes(32).toString("base64");
      await secrets.put(secretPartition, secretKey, { secret: made }, { ifNoneMatch: "*" });
    } catch (error) {
      // Another process was faster.
      if (!(error instanceof ConditionFailed)) throw error;
    }
    return load();
  };
  const secret = (): Promise<Buffer> => {
    known ??= load().catch((error: unknown) => {
      known = undefined;
      throw error;
    });
    return known;
  };
  const sign = async (payload: string): Promise<Buffer> =>
    createHmac("sha256", await secret())
      .update(payload, "utf8")
      .digest();
  return {
    issue: async ({ uid }, { rid }, seconds) => {
      const from = nowSeconds(engine);
      const claims: Claims = { account: uid, permission: rid, from, until: from + seconds };
      const payload = Buffer.from(JSON.stringify(claims)).toString("base64");
      return `type=resource&ver=1&sig=${(await sign(payload)).toString("base64")};${payload};`;
    },
    verify: async (account, signature) => {
      const [mac = "", payload = "", ...rest] = signature.split(";");
      const given = Buffer.from(mac, "base64");
      const wanted = await sign(payload);
      const genuine =
        rest.join(";") === "" && rest.length === 1 && given.length === wanted.length && timingSafeEqual(given, wanted);
      const claims = genuine ? read(payload) : undefined;
      if (claims === undefined || claims.account !== account.uid) throw cosmosFault("invalidAuthorization");
      const now = nowSeconds(engine);
      if (now >= claims.until || now < claims.from - 300)
        throw cosmosFault("resourceTokenExpired", {
          from: usTime(claims.from),
          until: usTime(claims.until),
          now: usTime(now),
        });
      if (!account.localAuth) throw cosmosFault("localAuthDisabled", {}, { detail: { subStatus: 5202 } });
      const permission = await permissionOfRid(engine, account.uid, claims.permission);
      if (permission === undefined)
        throw cosmosFault("readOnlyKey", {}, { hint: "The permission that the resource token was made from is gone." });
      return { kind: "secret", scheme, name: `${account.name}/${permission.id}`, grant: { permission } };
    },
  };
};
