import { createPublicKey, type JsonWebKey, type KeyObject } from "node:crypto";
import type { Clock } from "../kernel/clock.ts";
import type { WorkloadIssuer } from "./workload-issuer.ts";

/** Keys of federated issuers: the tenant's own without asking anybody, others' from their discovery documents. */
export interface IssuerKeys {
  /** The key of an issuer by its id; undefined when it has none of that id. @throws IssuerUnavailable */
  key(issuer: string, kid: string | undefined): Promise<KeyObject | undefined>;
}

/** An issuer is not trusted, or its documents cannot be had or used. */
export class IssuerUnavailable extends Error {
  readonly hint: string;
  constructor(message: string, hint: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "IssuerUnavailable";
    this.hint = hint;
  }
}

interface KeySet {
  readonly keys: ReadonlyMap<string, KeyObject>;
  readonly fetched: number;
}

/** Key sets are kept for an hour; an unknown key id may ask again after a minute, a failure after ten seconds. */
const keep = 3_600_000;
const refreshAfter = 60_000;
const failureFor = 10_000;
const keysPerIssuer = 100;

export const issuerKeys = (options: {
  readonly own: WorkloadIssuer;
  /** Issuers that the tenant was told to trust, as their tokens spell them. */
  readonly trusted: readonly string[];
  /** The egress module's; it refuses what must not be fetched. */
  readonly fetchJson: (url: string) => Promise<unknown>;
  readonly clock: Clock;
}): IssuerKeys => {
  const { own, trusted, fetchJson, clock } = options;
  const sets = new Map<string, KeySet>();
  const failures = new Map<string, { readonly error: IssuerUnavailable; readonly at: number }>();
  const running = new Map<string, Promise<KeySet>>();

  const load = async (issuer: string): Promise<KeySet> => {
    const failure = failures.get(issuer);
    if (failure !== undefined && clock.wall() - failure.at < failureFor) throw failure.error;
    try {
      const set = { keys: await keysOf(issuer, fetchJson), fetched: clock.wall() };
      sets.set(issuer, set);
      failures.delete(issuer);
      return set;
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : "no reason given";
      const error = new IssuerUnavailable(`The keys of ${issuer} cannot be had.`, why, { cause });
      failures.set(issuer, { error, at: clock.wall() });
      throw error;
    }
  };
  const fresh = (issuer: string): Promise<KeySet> => {
    const known = running.get(issuer);
    if (known !== undefined) return known;
    const loading = load(issuer).finally(() => running.delete(issuer));
    running.set(issuer, loading);
    return loading;
  };
  return {
    key: async (issuer, kid) => {
      if (issuer === own.issuer) return own.publicKey(kid);
      if (!trusted.includes(issuer))
        throw new IssuerUnavailable(
          `The tenant was not told to trust ${issuer.slice(0, 300)}.`,
          `Start the tenant with --trust-issuer ${issuer.slice(0, 300)}`,
        );
      const known = sets.get(issuer);
      const age = known === undefined ? Number.POSITIVE_INFINITY : clock.wall() - known.fetched;
      let set = known === undefined || age >= keep || age < 0 ? await fresh(issuer) : known;
      if (set === known && find(set, kid) === undefined && age >= refreshAfter) set = await fresh(issuer);
      return find(set, kid);
    },
  };
};

/** Without a key id an issuer's only key is meant. */
const find = ({ keys }: KeySet, kid: string | undefined): KeyObject | undefined =>
  kid === undefined ? (keys.size === 1 ? [...keys.values()][0] : undefined) : keys.get(kid);

const keysOf = async (
  issuer: string,
  fetchJson: (url: string) => Promise<unknown>,
): Promise<ReadonlyMap<string, KeyObject>> => {
  const discovery = members(await fetchJson(`${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`));
  // OpenID Connect Discovery 1.0, 4.3: the issuer of the document must be the one that was asked for, byte for byte.
  if (discovery["issuer"] !== issuer) throw new Error("its discovery document names another issuer");
  const address = discovery["jwks_uri"];
  if (typeof address !== "string") throw new Error("its discovery document has no jwks_uri");
  const list = members(await fetchJson(address))["keys"];
  const found = new Map<string, KeyObject>();
  for (const each of Array.isArray(list) ? (list as unknown[]).slice(0, keysPerIssuer) : []) {
    const key = rsaKey(members(each));
    if (key !== undefined) found.set(key.kid, key.key);
  }
  if (found.size === 0) throw new Error("its key set has no RSA key of 2048 bits or more");
  return found;
};

/** Entra exchanges tokens that are signed with RS256, and no others. */
const rsaKey = (jwk: Readonly<Record<string, unknown>>): { kid: string; key: KeyObject } | undefined => {
  const { kty, n, e, kid, use, alg } = jwk;
  if (kty !== "RSA" || typeof n !== "string" || typeof e !== "string") return undefined;
  if ((use !== undefined && use !== "sig") || (alg !== undefined && alg !== "RS256")) return undefined;
  try {
    const key = createPublicKey({ key: { kty, n, e } satisfies JsonWebKey, format: "jwk" });
    const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
    return bits >= 2048 && bits <= 8192 ? { kid: typeof kid === "string" ? kid : "", key } : undefined;
  } catch {
    return undefined;
  }
};

const members = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
