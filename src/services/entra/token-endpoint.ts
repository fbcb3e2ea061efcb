import { createHash, timingSafeEqual } from "node:crypto";
import type { Directory } from "../../identity/directory.ts";
import type { Application, ServicePrincipal } from "../../identity/principals.ts";
import type { TokenIssuer } from "../../identity/tokens.ts";
import type { Call } from "../../kernel/call.ts";
import type { Clock } from "../../kernel/clock.ts";
import { json, type Reply } from "../../kernel/message.ts";
import { checkFederatedToken, type Federation } from "./assertion.ts";
import { readClaims } from "./assertion-claims.ts";
import { checkCertificateAssertion } from "./certificate-assertion.ts";
import { entraFault, flowNotBuilt } from "./faults.ts";

export interface TokenEndpointContext {
  readonly directory: Directory;
  readonly issuer: TokenIssuer;
  readonly federation: Federation;
  /** Is there such a resource (audience) in the tenant? */
  readonly knownResource: (resource: string) => Promise<boolean>;
}

/**
 * POST …/token. Checks in Entra's order (access.md 4.5): tenant, parameters, application, service principal, credential,
 * scope form, resource.
 */
export const token = async (call: Call, version: "v1" | "v2", context: TokenEndpointContext): Promise<Reply> => {
  const form = await call.body.form();
  const grant = required(form, "grant_type");
  if (grant !== "client_credentials") {
    if (/device_code|authorization_code|refresh_token|password|jwt-bearer|saml/.test(grant))
      throw flowNotBuilt(`The grant type '${grant}'`);
    throw entraFault(70003, { grant });
  }
  const principal = await authenticateClient(form, context, call.clock);
  const resource = version === "v2" ? resourceOfScope(required(form, "scope")) : required(form, "resource");
  if (!(await context.knownResource(resource)))
    throw entraFault(500011, { resource, tenant: context.issuer.tenant.displayName });
  const issued = await context.issuer.issue({
    principal,
    audience: resource,
    proof: form.has("client_assertion") ? "assertion" : "secret",
    claimsCapable: /"xms_cc".*"cp1"/is.test(form.get("claims") ?? ""),
  });
  if (version === "v2")
    return json({
      token_type: "Bearer",
      expires_in: issued.expiresIn,
      ext_expires_in: issued.expiresIn,
      access_token: issued.token,
    });
  return json({
    token_type: "Bearer",
    expires_in: String(issued.expiresIn),
    ext_expires_in: String(issued.expiresIn),
    expires_on: String(issued.expiresAt),
    not_before: String(issued.issuedAt),
    resource,
    access_token: issued.token,
  });
};

const required = (form: URLSearchParams, name: string): string => {
  const value = form.get(name);
  if (value === null || value.trim() === "") throw entraFault(900144, { name });
  return value.trim();
};

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/** A token of a federated issuer, or one that the client has signed with its certificate. */
const checkAssertion = async (
  form: URLSearchParams,
  principal: ServicePrincipal,
  application: Application | undefined,
  { issuer, federation }: TokenEndpointContext,
  clock: Clock,
): Promise<void> => {
  if (form.get("client_assertion_type") !== assertionType) throw entraFault(900144, { name: "client_assertion_type" });
  // azure-identity for Python sends the file as it is, with its newline.
  const assertion = (form.get("client_assertion") ?? "").trim();
  const claims = readClaims(assertion);
  if (claims === undefined) throw entraFault(50027);
  if (application !== undefined && claims.iss === application.appId)
    await checkCertificateAssertion(assertion, claims, application, issuer.tenant, clock);
  else await checkFederatedToken(assertion, claims, principal, federation, clock);
};

const authenticateClient = async (
  form: URLSearchParams,
  context: TokenEndpointContext,
  clock: Clock,
): Promise<ServicePrincipal> => {
  const { directory, issuer } = context;
  const appId = required(form, "client_id");
  const application = await directory.application(appId);
  const principal = await directory.servicePrincipal(appId);
  // A user-assigned identity has no registration, and no credential but a federated one.
  const federated = form.has("client_assertion") && principal?.servicePrincipalType === "ManagedIdentity";
  if (application === undefined && !federated)
    throw entraFault(700016, { app: appId, tenant: issuer.tenant.displayName });
  if (principal === undefined) throw entraFault(7000229, { app: appId, tenant: issuer.tenant.tenantId });
  if (form.has("client_assertion")) {
    await checkAssertion(form, principal, application, context, clock);
    return requireEnabled(principal);
  }
  const secret = form.get("client_secret");
  if (secret === null) throw entraFault(7000218);
  const known = [...(application?.secrets ?? []), ...(application?.principalSecrets ?? [])];
  const now = clock.now();
  // One whose time has not come is none yet (learn.microsoft.com/graph/api/resources/passwordcredential).
  const matching = known.filter(({ value, starts = 0 }) => sameSecret(value, secret) && starts <= now);
  if (matching.length === 0) throw entraFault(7000215, { app: appId });
  if (matching.every(({ expires }) => expires <= now)) throw entraFault(7000222, { app: appId });
  return requireEnabled(principal);
};

const requireEnabled = (principal: ServicePrincipal): ServicePrincipal => {
  if (principal.disabled === true) throw entraFault(7000112, { app: principal.appId, name: principal.displayName });
  return principal;
};

/** Compares digests, so that neither content nor length shows in the time taken. */
const sameSecret = (known: string, given: string): boolean => {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(known), digest(given));
};

/** `X/.default` asks for audience `X`, `X//.default` for `X/` (identity-and-routing.md 3.4). */
const resourceOfScope = (scope: string): string => {
  const asked = scope.split(/\s+/).filter((each) => !["openid", "profile", "offline_access", "email"].includes(each));
  const [first = ""] = asked;
  if (asked.length !== 1 || !first.endsWith("/.default")) throw entraFault(1002012, { scope });
  return first.slice(0, -"/.default".length);
};
