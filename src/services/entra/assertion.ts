import { compactVerify } from "jose";
import { type IssuerKeys, IssuerUnavailable } from "../../identity/issuer-keys.ts";
import type { FederatedCredential, ServicePrincipal } from "../../identity/principals.ts";
import type { Clock } from "../../kernel/clock.ts";
import { type Claims, requireValidNow } from "./assertion-claims.ts";
import { entraFault, unprovenAssertion } from "./faults.ts";

/** What client assertions are checked with. */
export interface Federation {
  readonly keys: IssuerKeys;
  /** Issuer whose tokens are dated by the tenant's clock; all others are by the wall clock. */
  readonly ownIssuer: string;
  /** The federated credentials of an app registration or a user-assigned identity. */
  credentialsOf(principal: ServicePrincipal): Promise<readonly FederatedCredential[]>;
}

/**
 * Accepts a token of a federated issuer as a client's credential. A credential is looked up by the unverified claims first,
 * so that no issuer is asked for keys that nobody configured; nothing is granted before the signature was checked.
 * @throws AADSTS70021x, 700027, 700024, 50166
 */
export const checkFederatedToken = async (
  assertion: string,
  claims: Claims,
  principal: ServicePrincipal,
  federation: Federation,
  clock: Clock,
): Promise<void> => {
  matchCredential(claims, await federation.credentialsOf(principal));
  await checkSignature(assertion, claims, federation.keys);
  requireValidNow(claims, claims.iss === federation.ownIssuer ? clock.now() : clock.wall());
};

/** Exactly, letter case included; the refusal names the first that differs, as Entra does. */
const matchCredential = (claims: Claims, credentials: readonly FederatedCredential[]): void => {
  const ofIssuer = credentials.filter((each) => each.issuer === claims.iss);
  if (ofIssuer.length === 0) throw entraFault(700211, { issuer: claims.iss });
  const ofSubject = ofIssuer.filter((each) => each.subject === claims.sub);
  if (ofSubject.length === 0) {
    const close = ofIssuer.some((each) => each.subject.toLowerCase() === claims.sub.toLowerCase());
    throw entraFault(close ? 7002138 : 700213, { subject: claims.sub });
  }
  if (!ofSubject.some((each) => each.audiences.some((audience) => claims.audiences.includes(audience))))
    throw entraFault(700212, { audience: claims.audiences.join(", ") });
};

const checkSignature = async (assertion: string, claims: Claims, keys: IssuerKeys): Promise<void> => {
  let key;
  try {
    key = await keys.key(claims.iss, claims.kid);
  } catch (error) {
    if (error instanceof IssuerUnavailable) throw entraFault(50166, {}, `${error.message} ${error.hint}`);
    throw error;
  }
  if (key === undefined) throw unprovenAssertion("The key was not found.");
  try {
    await compactVerify(assertion, key, { algorithms: ["RS256"] });
  } catch {
    throw unprovenAssertion("The provided signature value did not match the expected signature value.");
  }
};
