import { Fault } from "../../kernel/fault.ts";
import type { Dialect } from "../../kernel/service.ts";

/**
 * Refusals of the identity endpoints (identity-and-routing.md 2.5, access.md 4.6). One fault, three wordings: what a fault
 * says is the same on every endpoint, how it looks is the endpoint's own. Clients parse every body as JSON, and take 400 as
 * "no such identity", 401 as final, and retry 404, 410, 429 and 5xx: so none of those is ever answered here.
 */
export const identityFault = (
  status: 400 | 401 | 404,
  code: "invalid_request" | "invalid_resource" | "unauthorized_client" | "not_found",
  message: string,
  hint?: string,
): Fault => new Fault({ status, code, message, ...(hint === undefined ? {} : { hint }) });

/** The identity that was asked for, or the system-assigned one, is not there. `detail.missing` lets IMDS word it its way. */
export const noIdentity = (named: boolean, hint: string): Fault =>
  new Fault({
    status: 400,
    code: "invalid_request",
    message: named
      ? "No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId."
      : "No Managed Identity found for specified ClientId/ResourceId/PrincipalId.",
    detail: { missing: true },
    hint,
  });

export const severalIdentities = (): Fault =>
  identityFault(
    400,
    "invalid_request",
    "Multiple user assigned identities exist, please specify the clientId / resourceId of the identity in the token request",
  );

export const unknownResource = (resource: string, tenant: string): Fault =>
  identityFault(
    400,
    "invalid_resource",
    `AADSTS500011: The resource principal named ${resource.slice(0, 200)} was not found in the tenant named ${tenant}. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You might have sent your authentication request to the wrong tenant.`,
  );

export const forwarded = (): Fault =>
  identityFault(
    400,
    "invalid_request",
    "Forwarded requests are refused: X-Forwarded-For is set.",
    "X-Forwarded-For marks a request that somebody passed on, as a forged one would be.",
  );

/** App Service, Container Apps and Cloud Shell, by the operation that was asked. */
export const loopbackDialect: Dialect = {
  name: "managed-identity",
  headers: (exchange) => ({ "x-ms-request-id": exchange.id, "cache-control": "no-store" }),
  fault: (fault, exchange) => {
    const { status, headers, message } = fault;
    const name = exchange.match?.operation.name;
    if (name === "GetArcToken") return { status, headers, body: { json: imdsError(fault) } };
    if (name === "CloudShellToken")
      return { status, headers, body: { json: { error: { code: fault.code, message } } } };
    return { status, headers, body: { json: { statusCode: status, message, correlationId: exchange.id } } };
  },
};

const imdsError = (fault: Fault): Record<string, string> => ({
  error: fault.code,
  error_description: fault.detail["missing"] === true ? "Identity not found" : fault.message,
});

/** IMDS names itself; SDKs look for the error id (identity-and-routing.md 2.2, the probe). */
export const imdsDialect: Dialect = {
  name: "imds",
  headers: (exchange) => ({
    server: "IMDS/150.870.65.1015",
    "x-ms-request-id": exchange.id,
    "cache-control": "no-store",
  }),
  fault: (fault) => ({ status: fault.status, headers: fault.headers, body: { json: imdsError(fault) } }),
};
