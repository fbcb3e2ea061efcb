import { json, type Request } from "../../kernel/message.ts";
import { type AnyOperation, operationsOf } from "../../kernel/operation.ts";
import type { Dialect, Service } from "../../kernel/service.ts";
import { Fault } from "../../kernel/fault.ts";
import { instanceDiscovery, openIdConfiguration } from "./discovery.ts";
import { entraFault, flowNotBuilt } from "./faults.ts";
import { token, type TokenEndpointContext } from "./token-endpoint.ts";

interface EntraTarget {
  readonly tenant: string;
}

const operation = operationsOf<EntraTarget, never, never>();
const publicDocument = { open: "a public document" };
const signIn = { open: "signing in is how a caller comes to have rights" };
const formLimit = 256 * 1024;
const aliases = ["common", "organizations", "consumers"];

/** The token service under its production names. */
export const entraService = (context: TokenEndpointContext, dialect: Dialect): Service<EntraTarget> => {
  const { tenant, key } = context.issuer;
  const keys = { keys: [{ ...key.jwk, issuer: `https://login.microsoftonline.com/${tenant.tenantId}/v2.0` }] };
  const documents: readonly [name: string, path: string, document: unknown][] = [
    ["OpenIdConfigurationV2", "/:tenant/v2.0/.well-known/openid-configuration", openIdConfiguration(tenant, "v2")],
    ["OpenIdConfiguration", "/:tenant/.well-known/openid-configuration", openIdConfiguration(tenant, "v1")],
    ["InstanceDiscovery", "/:tenant/discovery/instance", instanceDiscovery(tenant)],
    ["KeysV2", "/:tenant/discovery/v2.0/keys", keys],
    ["Keys", "/:tenant/discovery/keys", keys],
  ];
  const operations: AnyOperation<EntraTarget>[] = [
    ...documents.map(([name, path, document]) =>
      operation({ name, method: "GET", path, needs: publicDocument, handle: () => json(document) }),
    ),
    operation({
      name: "TokenV2",
      method: "POST",
      path: "/:tenant/oauth2/v2.0/token",
      needs: signIn,
      bodyLimit: formLimit,
      handle: (call) => token(call, "v2", context),
    }),
    operation({
      name: "Token",
      method: "POST",
      path: "/:tenant/oauth2/token",
      needs: signIn,
      bodyLimit: formLimit,
      handle: (call) => token(call, "v1", context),
    }),
    ...(["devicecode", "authorize"] as const).flatMap((flow) =>
      ["/oauth2/v2.0/", "/oauth2/"].map((prefix) =>
        operation({
          name: flow === "devicecode" ? "DeviceCode" : "Authorize",
          method: ["GET", "POST"],
          path: `/:tenant${prefix}${flow}`,
          needs: signIn,
          handle: () => {
            throw flowNotBuilt(flow === "devicecode" ? "Device code sign-in" : "Interactive sign-in");
          },
        }),
      ),
    ),
  ];
  return {
    name: "entra",
    title: "Microsoft Entra token service",
    hosts: ["login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net"].map(
      (exact) => ({
        exact,
      }),
    ),
    dialect,
    operations,
    resolve: (_request, match) => {
      const asked = match.parameters["tenant"] ?? "";
      if (![tenant.tenantId, tenant.domain, ...aliases].includes(asked.toLowerCase()))
        throw entraFault(90002, { tenant: asked });
      return { tenant: asked };
    },
    scope: () => "/",
    authenticators: [],
    deciders: [],
    refuse: () => entraFault(9002313),
    unmatched: (request: Request) =>
      new Fault({
        status: 404,
        code: "invalid_request",
        message: `The path '${request.rawPath.slice(0, 200)}' is not one that Lanyard's token service has.`,
        detail: { number: 9002313 },
      }),
  };
};
