import { compactVerify, decodeJwt, decodeProtectedHeader } from "jose";
import { type IssuerKeys, IssuerUnavailable } from "../../identity/issuer-keys.ts";
import type { FederatedCredential, ServicePrincipal } from "../../identity/principals.ts";
import type { Clock } from "../../kernel/clock.ts";
import { entraFault } from "./faults.ts";

/** What client assertions are checked with. */
export interface Federation {
  readonly keys: IssuerKeys;
  /** Issuer whose tokens are dated by the tenant's clock; all others are by the wall clock. */
  readonly ownIssuer: string;
  /** The federated credentials of an app registration or a user-assigned identity. */
  credentialsOf(principal: ServicePrincipal): Promise<readonly FederatedCredential[]>;
}

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/** Entra takes clocks that are five minutes apart. */
const skew = 300;

interface Claims {
  readonly iss: string;
  readonly sub: string;
  readonly audiences: readonly string[];
  readonly nbf: number;
  readonly exp: number;
  readonly kid: string | undefined;
}

/**
 * Accepts a token of a federated issuer as a client's credential. A credential is looked up by the unverified claims first,
 * so that no issuer is asked for keys that nobody configured; nothing is granted before the signature was checked.
 * @throws AADSTS70021x, 700027, 700024, 50166
 */
export const checkAssertion = async (
  form: URLSearchParams,
  principal: ServicePrincipal,
  federation: Federation,
  clock: Clock,
): Promise<void> => {
  if (form.get("client_assertion_type") !== assertionType) throw entraFault(900144, { name: "client_assertion_type" });
  // azure-identity for Python sends the file as it is, with its newline.
  const assertion = (form.get("client_assertion") ?? "").trim();
  const claims = readClaims(assertion);
  if (claims === undefined) throw entraFault(50027);
  // A certificate credential: the client signs for itself. Certificates are not kept.
  if (claims.iss === principal.appId) throw entraFault(700027);
  matchCredential(claims, await federation.credentialsOf(principal));
  await checkSignature(assertion, claims, federation.keys);
  const now = Math.floor((claims.iss === federation.ownIssuer ? clock.now() : clock.wall()) / 1000);
  if (claims.exp + skew <= now || claims.nbf - skew > now)
    throw entraFault(700024, {
      now: iso(now),
      from: iso(claims.nbf),
      until: iso(claims.exp),
    });
};

const iso = (seconds: number): string => {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? String(seconds) : date.toISOString();
};

const readClaims = (assertion: string): Claims | undefined => {
  try {
    const { iss, sub, aud, nbf, iat, exp } = decodeJwt(assertion);
    const { kid } = decodeProtectedHeader(assertion);
    if (typeof iss !== "string" || typeof sub !== "string" || typeof exp !== "number") return undefined;
    const from = nbf ?? iat ?? 0;
    if (typeof from !== "number") return undefined;
    // jose decodes without looking: every member may be anything.
    const audiences = [aud as unknown].flat().filter((each) => typeof each === "string");
    return { iss, sub, audiences, nbf: from, exp, kid: typeof kid === "string" ? kid : undefined };
  } catch {
    return undefined;
  }
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
  if (key === undefined) throw entraFault(700027);
  try {
    await compactVerify(assertion, key, { algorithms: ["RS256"] });
  } catch {
    throw entraFault(700027);
  }
};
