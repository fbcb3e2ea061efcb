import { bearer, type TokenRefusal } from "../../identity/bearer.ts";
import type { TokenVerifier } from "../../identity/verify.ts";
import type { Authenticator } from "../../kernel/service.ts";
import { vaultFault } from "./faults.ts";
import { printable } from "./request.ts";
import type { VaultTarget } from "./target.ts";

/** What Key Vault accepts as `aud`, byte for byte: a trailing slash is refused (access.md 5.4). */
const audiences = ["https://vault.azure.net", "cfa8b339-82a2-471a-a3c9-0fc0be7a4093"];

/** Issuers that every vault trusts beside its own tenant's, as the refusal lists them (access.md 4.2). */
const platformIssuers = ["f8cdef31-a31e-4b4a-93e4-5f571e91255a", "e2d54eb5-3869-4f70-8578-dee5fc7331f4"];

/** The 401's header: quoted values, the whole path is the tenant, the resource without a slash (identity-and-routing.md 4). */
export const challenge = (tenantId: string): Record<string, string> => ({
  "www-authenticate": `Bearer authorization="https://login.microsoftonline.com/${tenantId}", resource="https://vault.azure.net"`,
});

const text = (value: unknown): string => (typeof value === "string" ? printable(value) : "");

const wording = ({ problem, claims, header }: TokenRefusal, tenantId: string): string => {
  switch (problem) {
    case "audience":
      return `AKV10022: Invalid audience. Expected https://vault.azure.net, found: ${text(claims["aud"])}.`;
    case "issuer": {
      const expected = [tenantId, ...platformIssuers].map((each) => `https://sts.windows.net/${each}/`);
      return `AKV10032: Invalid issuer. Expected one of ${expected.join(", ")}, found ${text(claims["iss"])}.`;
    }
    case "malformed":
    case "signature":
      return `AKV10046: Unable to resolve the key used for signature validation. EncodedJwtHeader: '${Buffer.from(header).toString("base64url").slice(0, 400)}'.`;
    case "expired":
      return "Error validating token: IDX10223: Lifetime validation failed. The token is expired.";
    case "not-yet-valid":
      return "Error validating token: IDX10222: Lifetime validation failed. The token is not yet valid.";
    case "claims":
      return "Error validating token: a claim that is needed is missing.";
  }
};

/** Tokens of the tenant for Key Vault, over TLS. Whatever else is in `Authorization` counts as no token. */
export const vaultAuthenticator = (verifier: TokenVerifier, tenantId: string): Authenticator<VaultTarget> => {
  const token = bearer<VaultTarget>(
    verifier,
    (audience) => audiences.includes(audience),
    (refusal) => vaultFault("badToken", { message: wording(refusal, tenantId) }, { headers: challenge(tenantId) }),
  );
  return (exchange) => (exchange.request.secure ? token(exchange) : undefined);
};
