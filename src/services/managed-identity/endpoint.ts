import type { Resources } from "../../arm/resources.ts";
import type { ResourceRecord } from "../../arm/record.ts";
import type { AppSecrets } from "../../identity/app-secrets.ts";
import type { Directory } from "../../identity/directory.ts";
import type { ManagedIdentityTokens } from "../../identity/managed-identity-tokens.ts";
import type { ServicePrincipal } from "../../identity/principals.ts";
import type { IssuedToken } from "../../identity/tokens.ts";
import type { Caller } from "../../kernel/caller.ts";
import { Fault } from "../../kernel/fault.ts";
import { json, queryValue, type Request } from "../../kernel/message.ts";
import { operationsOf } from "../../kernel/operation.ts";
import type { Authenticator, Dialect, Service } from "../../kernel/service.ts";

export interface IdentityEndpointContext {
  readonly resources: Resources;
  readonly directory: Directory;
  readonly secrets: AppSecrets;
  readonly tokens: ManagedIdentityTokens;
  readonly knownResource: (resource: string) => Promise<boolean>;
}

type Protocol = "2019-08-01" | "2017-09-01";

/** App Service's error shape; the code is not on the wire, the status and message are (identity-and-routing.md 2.5). */
const dialect: Dialect = {
  name: "managed-identity",
  headers: (exchange) => ({ "x-ms-request-id": exchange.id, "cache-control": "no-store" }),
  fault: (fault, exchange) => ({
    status: fault.status,
    headers: fault.headers,
    body: { json: { statusCode: fault.status, message: fault.message, correlationId: exchange.id } },
  }),
};

const refusal = (status: number, message: string, hint?: string): Fault =>
  new Fault({ status, code: "ManagedIdentityError", message, ...(hint === undefined ? {} : { hint }) });

const noIdentity = (hint: string): Fault =>
  refusal(400, "No Managed Identity found for specified ClientId/ResourceId/PrincipalId.", hint);

const operation = operationsOf<Protocol, never, never>();
const proof = { open: "the app's own secret is the right: it opens that app's identities and no others" };

/**
 * The token endpoint of App Service and Container Apps: IDENTITY_ENDPOINT with X-IDENTITY-HEADER (2019-08-01), and
 * MSI_ENDPOINT with `secret` (2017-09-01), on the loopback port. Paths match in any letter case and with extra slashes.
 */
export const managedIdentityService = (context: IdentityEndpointContext): Service<Protocol> => {
  const operations = [
    operation({
      name: "GetToken",
      method: "GET",
      path: "/msi/token",
      needs: proof,
      handle: async (call) => {
        const record = await appOf(call.caller, context.resources);
        const resource = queryValue(call.request, "resource") ?? "";
        if (resource === "") throw refusal(400, "The resource parameter is required.");
        if (!(await context.knownResource(resource)))
          throw refusal(400, `The resource principal named ${resource.slice(0, 200)} was not found in the tenant.`);
        const principal = await selectIdentity(call.request, record, context.directory);
        const token = await context.tokens.token(principal, resource, record.id);
        return json(success(token, principal, resource, call.target));
      },
    }),
  ];
  return {
    name: "managed-identity",
    title: "Managed identity endpoint",
    hosts: [{ exact: "127.0.0.1" }, { exact: "localhost" }, { exact: "[::1]" }],
    dialect,
    operations,
    match: (request) => {
      const path = request.rawPath
        .toLowerCase()
        .replaceAll(/\/{2,}/g, "/")
        .replace(/(.)\/$/, "$1");
      const [getToken] = operations;
      return path === "/msi/token" && request.method === "GET" && getToken !== undefined
        ? { operation: getToken, parameters: {} }
        : undefined;
    },
    resolve: (request) => protocolOf(request),
    scope: () => "/",
    authenticators: [bySecret(context.secrets)],
    deciders: [],
    refuse: () => refusal(401, "The identity header is missing or wrong."),
    unmatched: (request) => refusal(404, `There is nothing at ${request.method} ${request.rawPath.slice(0, 200)}.`),
  };
};

const protocolOf = (request: Request): Protocol => {
  const version = queryValue(request, "api-version");
  if (version === "2019-08-01" || version === "2017-09-01") return version;
  throw refusal(
    400,
    `The api-version '${(version ?? "").slice(0, 40)}' is not supported. Use 2019-08-01 or 2017-09-01.`,
  );
};

const bySecret =
  (secrets: AppSecrets): Authenticator<Protocol> =>
  ({ request, target }): Caller => {
    if (request.header("x-forwarded-for") !== undefined)
      throw refusal(
        400,
        "Forwarded requests are refused.",
        "X-Forwarded-For marks a proxied, possibly forged, request.",
      );
    const given = request.header(target === "2017-09-01" ? "secret" : "x-identity-header");
    const resourceId = given === undefined || given === "" ? undefined : secrets.resourceOf(given);
    if (resourceId === undefined) throw refusal(401, "The identity header is missing or wrong.");
    return { kind: "secret", scheme: "IdentityHeader", name: resourceId, grant: { resourceId } };
  };

const appOf = async (caller: Caller, resources: Resources): Promise<ResourceRecord> => {
  const resourceId = caller.kind === "secret" ? caller.grant["resourceId"] : undefined;
  const record = typeof resourceId === "string" ? await resources.get(resourceId) : undefined;
  if (record === undefined) throw noIdentity("The resource that this identity header was made for is gone.");
  return record;
};

const selectors = ["client_id", "clientid", "principal_id", "object_id", "mi_res_id", "msi_res_id"] as const;

/** The identity that a request names; none named means the system-assigned one. */
const selectIdentity = async (
  request: Request,
  record: ResourceRecord,
  directory: Directory,
): Promise<ServicePrincipal> => {
  const given = selectors.flatMap((name) => {
    const value = queryValue(request, name);
    return value === undefined || value === "" ? [] : [{ name, value: value.toLowerCase() }];
  });
  const [asked, another] = given;
  if (another !== undefined)
    throw refusal(400, "Only one of client_id, principal_id (object_id) and mi_res_id may be given.");
  const { identity } = record;
  // `lanyard run --as` may name a user-assigned identity itself: it then stands for the app.
  const own =
    identity?.principalId !== undefined
      ? await directory.principal(identity.principalId)
      : record.type === "Microsoft.ManagedIdentity/userAssignedIdentities"
        ? await directory.identityOf(record.id)
        : undefined;
  if (asked === undefined) {
    if (own?.kind === "ServicePrincipal") return own;
    throw noIdentity(
      `${record.id} has no system-assigned identity. \`az webapp identity assign\` turns it on; with user-assigned identities only, name one by client_id.`,
    );
  }
  const assigned = await Promise.all((identity?.userAssigned ?? []).map((id) => directory.identityOf(id)));
  const found = [own, ...assigned].find(
    (principal) => principal?.kind === "ServicePrincipal" && answersTo(principal, asked.name, asked.value),
  );
  if (found?.kind === "ServicePrincipal") return found;
  throw noIdentity(`${record.id} has no identity with ${asked.name} ${asked.value}.`);
};

const answersTo = (principal: ServicePrincipal, name: (typeof selectors)[number], value: string): boolean => {
  switch (name) {
    case "client_id":
    case "clientid":
      return principal.appId === value;
    case "principal_id":
    case "object_id":
      return principal.objectId === value;
    case "mi_res_id":
    case "msi_res_id":
      return principal.resourceId?.toLowerCase() === value;
  }
};

const success = (
  token: IssuedToken,
  principal: ServicePrincipal,
  resource: string,
  protocol: Protocol,
): Record<string, string> => ({
  access_token: token.token,
  client_id: principal.appId,
  expires_on: protocol === "2019-08-01" ? String(token.expiresAt) : linuxTime(token.expiresAt),
  not_before: String(token.issuedAt),
  resource,
  token_type: "Bearer",
});

/** `06/20/2019 02:57:58 +00:00`: what 2017-09-01 answers on Linux. */
const linuxTime = (seconds: number): string => {
  const [date = "", time = ""] = new Date(seconds * 1000).toISOString().slice(0, 19).split("T");
  const [year, month, day] = date.split("-");
  return `${month}/${day}/${year} ${time} +00:00`;
};
