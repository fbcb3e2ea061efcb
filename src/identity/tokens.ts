import { createHmac } from "node:crypto";
import { SignJWT } from "jose";
import { type Clock, epochSeconds } from "../kernel/clock.ts";
import type { Ids } from "../kernel/ids.ts";
import type { Directory } from "./directory.ts";
import { rolesClaim } from "./graph-resource.ts";
import type { ServicePrincipal, User } from "./principals.ts";
import type { SigningKey } from "./signing-keys.ts";
import type { TenantInfo } from "./tenant.ts";

/** How a principal proved itself: decides `appidacr` and the lifetime. */
export type Proof = "secret" | "assertion" | "managed-identity" | "user";

export interface TokenRequest {
  readonly principal: ServicePrincipal | User;
  /** The audience as it was asked for, echoed byte for byte. */
  readonly audience: string;
  readonly proof: Proof;
  /** Client app of a delegated (user) token. */
  readonly clientAppId?: string;
  /** Delegated scopes. */
  readonly scopes?: string;
  /** The client announced that it understands claims challenges (`xms_cc` CP1). */
  readonly claimsCapable?: boolean;
  /** `xms_az_rid`: the resource that asked, for a user-assigned identity. */
  readonly askingResourceId?: string;
  /** Seconds; overrides the usual lifetime. */
  readonly lifetime?: number;
  readonly nonce?: string;
}

export interface IssuedToken {
  readonly token: string;
  /** Seconds since the epoch, tenant time. */
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** Seconds from now, as `expires_in` tells it. */
  readonly expiresIn: number;
}

export interface TokenIssuer {
  issue(request: TokenRequest): Promise<IssuedToken>;
  readonly tenant: TenantInfo;
  readonly key: SigningKey;
}

/** Entra dates tokens five minutes back: iat = nbf = issue - 300 s (access.md 5.1, from observed tokens). */
const backdate = 300;
const hour = 3600;
const day = 86_400;
/** Above this many groups a token carries an overage claim instead (access.md 5.3). */
const groupLimit = 200;

export const tokenIssuer = (options: {
  readonly tenant: TenantInfo;
  readonly key: SigningKey;
  readonly directory: Directory;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Overrides every lifetime, seconds (`--token-lifetime`). */
  readonly lifetime?: number;
}): TokenIssuer => {
  const { tenant, key, directory, clock, ids } = options;
  const issuer = `https://sts.windows.net/${tenant.tenantId}/`;
  return {
    tenant,
    key,
    issue: async (request) => {
      const { principal, proof } = request;
      const usual = proof === "managed-identity" || (request.claimsCapable && proof !== "user") ? day : hour;
      const lifetime = request.lifetime ?? options.lifetime ?? usual;
      const now = epochSeconds(clock);
      const issuedAt = now - backdate;
      const expiresAt = now + lifetime;
      const claims = {
        aud: request.audience,
        iss: issuer,
        iat: issuedAt,
        nbf: issuedAt,
        exp: expiresAt,
        aio: ids.bytes(33).toString("base64"),
        oid: principal.objectId,
        rh: `1.${ids.bytes(24).toString("base64url")}.`,
        tid: tenant.tenantId,
        uti: ids.bytes(16).toString("base64url"),
        ver: "1.0",
        ...(request.claimsCapable ? { xms_cc: ["CP1"] } : {}),
        ...(await groupClaims(principal.objectId, directory, tenant.tenantId)),
        ...(principal.kind === "User"
          ? userClaims(principal, request, key, issuer)
          : appClaims(principal, request, issuer)),
      };
      const token = await new SignJWT(claims)
        .setProtectedHeader({ typ: "JWT", alg: "RS256", x5t: key.kid, kid: key.kid })
        .sign(key.privateKey);
      return { token, issuedAt, expiresAt, expiresIn: Math.max(lifetime - 1, 1) };
    },
  };
};

const appClaims = (principal: ServicePrincipal, request: TokenRequest, issuer: string): Record<string, unknown> => ({
  appid: principal.appId,
  appidacr: request.proof === "secret" ? "1" : "2",
  idp: issuer,
  idtyp: "app",
  ...rolesClaim(principal, request.audience),
  sub: principal.objectId,
  ...(principal.resourceId === undefined ? {} : { xms_mirid: mirid(principal.resourceId) }),
  ...(request.askingResourceId === undefined ? {} : { xms_az_rid: mirid(request.askingResourceId) }),
});

/** Entra writes `/resourcegroups/` in lower case in this claim (access.md 5.2). */
const mirid = (resourceId: string): string => resourceId.replace(/\/resourceGroups\//i, "/resourcegroups/");

const userClaims = (user: User, request: TokenRequest, key: SigningKey, issuer: string): Record<string, unknown> => ({
  acr: "1",
  amr: ["pwd"],
  appid: request.clientAppId,
  appidacr: "0",
  idp: issuer,
  idtyp: "user",
  ipaddr: "127.0.0.1",
  name: user.displayName,
  scp: request.scopes ?? "user_impersonation",
  sub: pairwise(user.objectId, request.audience, key),
  unique_name: user.userPrincipalName,
  upn: user.userPrincipalName,
  ...(request.nonce === undefined ? {} : { nonce: request.nonce }),
});

const pairwise = (objectId: string, audience: string, key: SigningKey): string =>
  createHmac("sha256", key.kid).update(`${objectId}\n${audience}`).digest("base64url");

const groupClaims = async (
  objectId: string,
  directory: Directory,
  tenantId: string,
): Promise<Record<string, unknown>> => {
  const groups = await directory.groupsOf(objectId);
  if (groups.length === 0) return {};
  if (groups.length <= groupLimit) return { groups };
  const endpoint = `https://graph.windows.net/${tenantId}/users/${objectId}/getMemberObjects`;
  return { _claim_names: { groups: "src1" }, _claim_sources: { src1: { endpoint } } };
};
