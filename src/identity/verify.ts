import { compactVerify, decodeJwt, decodeProtectedHeader, errors } from "jose";
import type { TokenCaller } from "../kernel/caller.ts";
import { type Clock, epochSeconds } from "../kernel/clock.ts";
import { type Eventually, onceKnown } from "../kernel/eventually.ts";
import type { SigningKey } from "./signing-keys.ts";
import type { TenantInfo } from "./tenant.ts";

export type TokenProblem = "malformed" | "signature" | "issuer" | "audience" | "expired" | "not-yet-valid" | "claims";

export type Verification =
  | { readonly ok: true; readonly caller: TokenCaller; readonly expiresAt: number; readonly audience: string }
  | {
      readonly ok: false;
      readonly problem: TokenProblem;
      /** Unverified claims, for wording the refusal (the audience found, the expiry). Never for deciding. */
      readonly claims: Readonly<Record<string, unknown>>;
      readonly header: string;
    };

export interface TokenVerifier {
  /** Verifies signature, issuer, times and audience. `audiences`: compared exactly, byte for byte. */
  verify(token: string, audiences: (audience: string) => boolean): Eventually<Verification>;
}

/** Verified signatures are remembered; times and audience are checked on every call. */
const remembered = 2000;

/** Tokens are long, so they are looked up by the end of their signature and then compared whole. */
const nameOf = (token: string): string => token.slice(-64);

interface Signed {
  readonly token: string;
  readonly caller: TokenCaller;
  readonly audience: string;
  readonly notBefore: number;
  readonly expiresAt: number;
}

export const tokenVerifier = (options: {
  readonly tenant: Pick<TenantInfo, "tenantId">;
  readonly key: Pick<SigningKey, "kid" | "publicKey">;
  readonly clock: Clock;
  /** Groups of a principal now: for tokens of members of too many groups, which name none (access.md 5.3). */
  readonly groupsOf: (objectId: string) => Promise<readonly string[]>;
}): TokenVerifier => {
  const { tenant, key, clock, groupsOf } = options;
  const issuers = [
    `https://sts.windows.net/${tenant.tenantId}/`,
    `https://login.microsoftonline.com/${tenant.tenantId}/v2.0`,
  ];
  const known = new Map<string, Signed>();

  const signed = async (token: string): Promise<Signed | TokenProblem> => {
    let claims: Record<string, unknown>;
    try {
      const { payload } = await compactVerify(token, key.publicKey, { algorithms: ["RS256"] });
      claims = JSON.parse(Buffer.from(payload).toString("utf8")) as Record<string, unknown>;
    } catch (error) {
      return error instanceof errors.JWSSignatureVerificationFailed ? "signature" : "malformed";
    }
    const read = fromClaims(claims, tenant.tenantId, issuers);
    if (typeof read === "string") return read;
    if (known.size >= remembered) known.delete(known.keys().next().value as string);
    const one = { ...read, token };
    known.set(nameOf(token), one);
    return one;
  };

  return {
    verify: (token, audiences) => {
      const found = known.get(nameOf(token));
      return onceKnown(found?.token === token ? found : signed(token), (read) => {
        if (typeof read === "string") return refused(token, read);
        const { caller, audience, expiresAt } = read;
        const now = epochSeconds(clock);
        if (!audiences(audience)) return refused(token, "audience");
        if (expiresAt <= now) return refused(token, "expired");
        if (read.notBefore > now) return refused(token, "not-yet-valid");
        const names = caller.claims["_claim_names"];
        const overage = names !== undefined && objectOf(names)["groups"] !== undefined;
        if (!overage) return { ok: true, caller, expiresAt, audience };
        return onceKnown(groupsOf(caller.objectId), (groups) => ({
          ok: true,
          caller: { ...caller, groups },
          expiresAt,
          audience,
        }));
      });
    },
  };
};

const objectOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null ? { ...value } : {};

const fromClaims = (
  claims: Record<string, unknown>,
  tenantId: string,
  issuers: readonly string[],
): Omit<Signed, "token"> | TokenProblem => {
  const { aud, iss, tid, oid, appid, azp, nbf, exp, scp, idtyp, groups } = claims;
  if (typeof iss !== "string" || !issuers.includes(iss) || tid !== tenantId) return "issuer";
  if (typeof aud !== "string" || typeof oid !== "string") return "claims";
  if (typeof exp !== "number" || typeof nbf !== "number") return "claims";
  const isUser = idtyp === "user" || (idtyp === undefined && scp !== undefined);
  const text = (value: unknown): string => (typeof value === "string" ? value : "");
  return {
    audience: aud,
    notBefore: nbf,
    expiresAt: exp,
    caller: {
      kind: "principal",
      objectId: oid,
      tenantId,
      type: isUser ? "User" : "ServicePrincipal",
      appId: text(appid) || text(azp),
      name: isUser ? text(claims["upn"]) || oid : oid,
      groups: Array.isArray(groups) ? groups.filter((group) => typeof group === "string") : [],
      claims,
    },
  };
};

const refused = (token: string, problem: TokenProblem): Verification => {
  let claims: Record<string, unknown> = {};
  let header = "";
  try {
    claims = decodeJwt(token);
    header = JSON.stringify(decodeProtectedHeader(token));
  } catch {
    // Not a JWT at all: nothing to quote in the refusal.
  }
  return { ok: false, problem, claims, header };
};
