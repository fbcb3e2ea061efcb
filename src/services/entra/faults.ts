import { Fault } from "../../kernel/fault.ts";

/** Entra's errors by AADSTS number (access.md 4.5): OAuth error, status and text. */
export const entraFaults = {
  900144: [400, "invalid_request", "The request body must contain the following parameter: '{name}'."],
  9002313: [400, "invalid_request", "Invalid request. Request is malformed or invalid."],
  70003: [400, "unsupported_grant_type", "The app requested an unsupported grant type '{grant}'."],
  90002: [
    400,
    "invalid_request",
    "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant.",
  ],
  700016: [
    400,
    "unauthorized_client",
    "Application with identifier '{app}' was not found in the directory '{tenant}'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant.",
  ],
  7000229: [
    401,
    "invalid_client",
    "The client application {app} is missing service principal in the tenant {tenant}. See instructions here: https://go.microsoft.com/fwlink/?linkid=2225119",
  ],
  7000218: [
    401,
    "invalid_client",
    "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
  ],
  7000215: [
    401,
    "invalid_client",
    "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '{app}'.",
  ],
  7000222: [
    401,
    "invalid_client",
    "The provided client secret keys for app '{app}' are expired. Visit the Azure portal to create new keys for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added security: https://aka.ms/certCreds.",
  ],
  7000112: [400, "unauthorized_client", "Application '{app}'({name}) is disabled."],
  700027: [401, "invalid_client", "{what} [Reason - {why}]"],
  700023: [
    401,
    "invalid_client",
    "Client assertion audience claim does not match Realm issuer. Review the documentation at https://learn.microsoft.com/entra/identity-platform/certificate-credentials .",
  ],
  5002723: [
    401,
    "invalid_client",
    "Invalid JWT token. No certificate SHA-1 thumbprint, certificate SHA-256 thumbprint, nor keyId specified in token header.",
  ],
  50027: [400, "invalid_request", "JWT token is invalid or malformed."],
  50166: [400, "invalid_request", "Request to External OIDC endpoint failed."],
  700024: [
    401,
    "invalid_client",
    "Client assertion is not within its valid time range. Current time: {now}, assertion valid from {from}, expiry time of assertion {until}. Review the documentation at https://learn.microsoft.com/entra/identity-platform/certificate-credentials .",
  ],
  700211: [
    401,
    "invalid_client",
    "No matching federated identity record found for presented assertion issuer '{issuer}'. Check your federated identity credential Subject, Audience and Issuer against the presented assertion. https://learn.microsoft.com/entra/workload-id/workload-identity-federation",
  ],
  700212: [
    401,
    "invalid_client",
    "No matching federated identity record found for presented assertion audience '{audience}'. Check your federated identity credential Subject, Audience and Issuer against the presented assertion. https://learn.microsoft.com/entra/workload-id/workload-identity-federation",
  ],
  700213: [
    401,
    "invalid_client",
    "No matching federated identity record found for presented assertion subject '{subject}'. Check your federated identity credential Subject, Audience and Issuer against the presented assertion. https://learn.microsoft.com/entra/workload-id/workload-identity-federation",
  ],
  7002138: [
    401,
    "invalid_client",
    "No matching federated identity record found for presented assertion subject '{subject}'. The subject matches only when letter case is ignored. Check your federated identity credential Subject, Audience and Issuer against the presented assertion. https://learn.microsoft.com/entra/workload-id/workload-identity-federation",
  ],
  1002012: [
    400,
    "invalid_scope",
    "The provided value for scope {scope} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).",
  ],
  500011: [
    400,
    "invalid_resource",
    "The resource principal named {resource} was not found in the tenant named {tenant}. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You might have sent your authentication request to the wrong tenant.",
  ],
} as const satisfies Record<number, readonly [number, string, string]>;

export const entraFault = (
  number: keyof typeof entraFaults,
  values: Readonly<Record<string, string>> = {},
  hint?: string,
): Fault => {
  const [status, code, text] = entraFaults[number];
  const message = text.replaceAll(/\{(\w+)\}/g, (_, name: string) => (values[name] ?? "").slice(0, 300));
  return new Fault({ status, code, message, detail: { number }, ...(hint === undefined ? {} : { hint }) });
};

const signatureWrong = "Client assertion contains an invalid signature.";

/** AADSTS700027: an assertion that no key proves. */
export const unprovenAssertion = (why: string, what = signatureWrong): Fault => entraFault(700027, { what, why });

/** A flow that Entra has and Lanyard does not: said by name, in Entra's shape. */
export const flowNotBuilt = (flow: string): Fault =>
  new Fault({
    status: 400,
    code: "unsupported_grant_type",
    message: `${flow} is not implemented by Lanyard. Sign in with the developer's service principal.`,
    detail: { number: 70003 },
    hint: "`lanyard env` sets AZURE_CLIENT_ID, AZURE_CLIENT_SECRET and AZURE_TENANT_ID for the developer; `lanyard az` is signed in already.",
  });
