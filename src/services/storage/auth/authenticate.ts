import { bearer, type TokenRefusal } from "../../../identity/bearer.ts";
import type { TokenVerifier } from "../../../identity/verify.ts";
import type { Authenticator, Resolved } from "../../../kernel/service.ts";
import type { StoredPolicy } from "../engine/records.ts";
import { storageFault } from "../faults.ts";
import type { BlobTarget } from "../target.ts";
import { sharedAccess } from "./sas.ts";
import { sharedKey } from "./shared-key.ts";

const appId = "e406a681-f3d4-42a8-90b6-c2b029497af1";

/** What Storage accepts as `aud` (access.md 5.4): the service, the app id, or this account, with or without `/`. */
export const acceptsAudience = (audience: string, account: string): boolean => {
  const plain = audience.replace(/\/$/, "");
  return (
    plain === "https://storage.azure.com" || plain === `https://${account}.blob.core.windows.net` || audience === appId
  );
};

/** `WWW-Authenticate`: unquoted, separated by spaces (storage.md 4.1; the SDKs split on them). */
export const challenge = (tenantId: string): Record<string, string> => ({
  "www-authenticate": `Bearer authorization_uri=https://login.microsoftonline.com/${tenantId}/oauth2/authorize resource_id=https://storage.azure.com`,
});

const details: Readonly<Record<TokenRefusal["problem"], string>> = {
  audience: "Audience validation failed. Audience did not match.",
  issuer: "Issuer validation failed. Issuer did not match.",
  expired: "Lifetime validation failed. The token is expired.",
  "not-yet-valid": "Lifetime validation failed. The token is not yet valid.",
  signature: "Signature validation failed. Token signature is invalid.",
  malformed: "The token is malformed.",
  claims: "The token lacks a claim that is needed.",
};

/** Versions from which a failed token is a 401 with a challenge (storage.md 4.1). */
export const challengesFrom = "2019-12-12";
const bearerFrom = "2017-11-09";

/** Finds out who calls: the `Authorization` header wins over a signature in the query (storage.md 4). */
export const blobAuthenticator = (options: {
  readonly verifier: TokenVerifier;
  readonly tenantId: string;
  readonly policiesOf: (target: BlobTarget) => Promise<readonly StoredPolicy[]>;
}): Authenticator<BlobTarget> => {
  const { tenantId } = options;
  const refused = (exchange: Resolved<BlobTarget>, detail: string): Error => {
    const extra = { detail: { AuthenticationErrorDetail: detail } };
    return (exchange.target.version ?? "") >= challengesFrom
      ? storageFault("badToken", {}, { ...extra, headers: challenge(tenantId) })
      : storageFault("authenticationFailed", {}, extra);
  };
  const token = bearer<BlobTarget>(
    options.verifier,
    (audience, target) => acceptsAudience(audience, target.account.name),
    (refusal, exchange) => refused(exchange, details[refusal.problem]) as ReturnType<typeof storageFault>,
  );
  return async (exchange) => {
    const header = exchange.request.header("authorization");
    if (header === undefined) return sharedAccess(exchange, options.policiesOf);
    if (/^bearer\b/i.test(header)) {
      if (!exchange.request.secure)
        throw refused(exchange, "Authentication scheme Bearer is only supported over HTTPS.");
      if ((exchange.target.version ?? "") < bearerFrom)
        throw refused(exchange, "Authentication scheme Bearer is not supported in this version.");
      const caller = await token(exchange);
      if (caller === undefined) throw refused(exchange, details.malformed);
      return caller;
    }
    const holder = sharedKey(exchange);
    if (holder === undefined) throw storageFault("badAuthorizationHeader");
    return holder;
  };
};
