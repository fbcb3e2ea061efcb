/**
 * Certificate credentials: the client signs for itself with a key whose certificate stands in its registration.
 * Source: learn.microsoft.com/entra/identity-platform/certificate-credentials
 */
import { X509Certificate } from "node:crypto";
import { compactVerify } from "jose";
import type { Application, KeyCredential } from "../../identity/principals.ts";
import type { Clock } from "../../kernel/clock.ts";
import { type Claims, requireValidNow } from "./assertion-claims.ts";
import { entraFault, unprovenAssertion } from "./faults.ts";

const notRegistered =
  "The certificate with identifier used to sign the client assertion is not registered on application.";

/** `AB:CD` of node -> base64url, as the header has it. */
const base64urlOf = (fingerprint: string): string =>
  Buffer.from(fingerprint.replaceAll(":", ""), "hex").toString("base64url");

/** The key that the header names: `x5t#S256`, `x5t`, or `kid` with the SHA-1 thumbprint in hexadecimal. */
const isNamedBy = (certificate: X509Certificate, { x5t, x5tS256, kid }: Claims): boolean => {
  if (x5tS256 !== undefined) return unpadded(x5tS256) === base64urlOf(certificate.fingerprint256);
  if (x5t !== undefined) return unpadded(x5t) === base64urlOf(certificate.fingerprint);
  return kid?.toUpperCase() === certificate.fingerprint.replaceAll(":", "");
};

const unpadded = (text: string): string => text.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");

/** What the token endpoint is called in `aud`. */
const isEndpoint = (audience: string, tenant: { readonly tenantId: string; readonly domain: string }): boolean => {
  const found =
    /^https:\/\/(?:login\.microsoftonline\.com|login\.microsoft\.com|login\.windows\.net|sts\.windows\.net)\/([^/]+)(?:\/oauth2(?:\/v2\.0)?\/token|\/v2\.0)?\/?$/i.exec(
      audience,
    );
  return found !== null && [tenant.tenantId, tenant.domain].includes((found[1] ?? "").toLowerCase());
};

/** @throws AADSTS5002723, 700027, 700023, 700024 */
export const checkCertificateAssertion = async (
  assertion: string,
  claims: Claims,
  application: Application,
  tenant: { readonly tenantId: string; readonly domain: string },
  clock: Clock,
): Promise<void> => {
  const named = claims.x5tS256 ?? claims.x5t ?? claims.kid;
  if (named === undefined) throw entraFault(5002723);
  const client = `Thumbprint of key used by client: '${named.slice(0, 100)}'`;
  const registered = [...(application.keys ?? []), ...(application.principalKeys ?? [])]
    .map((key) => ({ key, certificate: new X509Certificate(Buffer.from(key.certificate, "base64")) }))
    .filter(({ certificate }) => isNamedBy(certificate, claims));
  // The same certificate may be registered again for a longer time.
  const found = registered.find(({ key }) => key.expires > clock.now()) ?? registered[0];
  if (found === undefined)
    throw unprovenAssertion(
      `The key was not found., ${client}, Please visit the Azure Portal, Graph Explorer or directly use MS Graph to see configured keys for app Id '${application.appId}'.`,
      notRegistered,
    );
  const period = `Found key '${periodOf(found.key)}'`;
  try {
    await compactVerify(assertion, found.certificate.publicKey, { algorithms: ["RS256", "PS256"] });
  } catch {
    throw unprovenAssertion(
      `The provided signature value did not match the expected signature value., ${client}, ${period}`,
    );
  }
  // The registration is dated by the tenant's clock, the assertion by its client's.
  if (found.key.expires <= clock.now()) throw unprovenAssertion(`The key used is expired., ${client}, ${period}`);
  if (found.key.starts > clock.now() + 300_000)
    throw unprovenAssertion(`The key used is not valid yet., ${client}, ${period}`);
  if (claims.sub !== application.appId) throw entraFault(50027);
  if (!claims.audiences.some((audience) => isEndpoint(audience, tenant))) throw entraFault(700023);
  requireValidNow(claims, clock.wall());
};

const periodOf = ({ starts, expires }: KeyCredential): string =>
  `Start=${new Date(starts).toISOString()}, End=${new Date(expires).toISOString()}`;
