import type { TenantInfo } from "../../identity/tenant.ts";

const base = "https://login.microsoftonline.com";

/** The OpenID Connect discovery document, v1 or v2 (identity-and-routing.md 3.1). */
export const openIdConfiguration = (tenant: TenantInfo, version: "v1" | "v2"): Record<string, unknown> => {
  const root = `${base}/${tenant.tenantId}`;
  const path = version === "v2" ? "/oauth2/v2.0" : "/oauth2";
  return {
    token_endpoint: `${root}${path}/token`,
    token_endpoint_auth_methods_supported: ["client_secret_post", "private_key_jwt"],
    jwks_uri: `${root}/discovery/${version === "v2" ? "v2.0/" : ""}keys`,
    response_modes_supported: ["query", "fragment", "form_post"],
    subject_types_supported: ["pairwise"],
    id_token_signing_alg_values_supported: ["RS256"],
    response_types_supported: ["code", "id_token", "code id_token", "id_token token"],
    scopes_supported: ["openid", "profile", "email", "offline_access"],
    issuer: version === "v2" ? `${root}/v2.0` : `https://sts.windows.net/${tenant.tenantId}/`,
    request_uri_parameter_supported: false,
    userinfo_endpoint: "https://graph.microsoft.com/oidc/userinfo",
    authorization_endpoint: `${root}${path}/authorize`,
    device_authorization_endpoint: `${root}${path}/devicecode`,
    http_logout_supported: true,
    frontchannel_logout_supported: true,
    end_session_endpoint: `${root}${path}/logout`,
    claims_supported: ["sub", "iss", "aud", "exp", "iat", "nonce", "preferred_username", "name", "tid", "ver"],
    tenant_region_scope: "NA",
    cloud_instance_name: "microsoftonline.com",
    cloud_graph_host_name: "graph.windows.net",
    msgraph_host: "graph.microsoft.com",
    rbac_url: "https://pas.windows.net",
  };
};

/** Instance discovery: which hosts are one authority. */
export const instanceDiscovery = (tenant: TenantInfo): Record<string, unknown> => ({
  tenant_discovery_endpoint: `${base}/${tenant.tenantId}/v2.0/.well-known/openid-configuration`,
  "api-version": "1.1",
  metadata: [
    {
      preferred_network: "login.microsoftonline.com",
      preferred_cache: "login.windows.net",
      aliases: ["login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net"],
    },
  ],
});
