/** Microsoft Graph in a tenant of its own, for the tests of this folder. */
import { type Answer, startTestTenant, type TestTenant } from "../../../test/support/tenant.ts";
import { graphAppId } from "../../identity/graph-resource.ts";
import type { ServicePrincipal, User } from "../../identity/principals.ts";
import type { Method } from "../../kernel/message.ts";

export interface GraphWorld extends AsyncDisposable {
  readonly test: TestTenant;
  /** One request to v1.0, as the developer unless `token` says otherwise. */
  readonly graph: (method: Method, path: string, json?: unknown, token?: string) => Promise<Answer>;
  tokenOf(principal: ServicePrincipal): Promise<string>;
  /** A delegated token with these scopes. */
  tokenFor(user: User, scopes: string): Promise<string>;
  /** A service principal with application permissions of Graph, and a token of it. */
  appWith(...permissions: readonly string[]): Promise<{ principal: ServicePrincipal; token: string }>;
  /** An application with a service principal, made by the developer or another caller. */
  readonly makeApp: (
    displayName: string,
    token?: string,
  ) => Promise<{ readonly id: string; readonly appId: string; readonly principalId: string }>;
  /** 200, or the AADSTS number of the refusal. */
  signIn(appId: string, credential: Readonly<Record<string, string>>): Promise<number>;
}

export const errorOf = ({ status, body }: Answer): readonly unknown[] => [status, body?.error?.code];
export const reference = (id: string): object => ({
  "@odata.id": `https://graph.microsoft.com/v1.0/directoryObjects/${id}`,
});
const audience = "https://graph.microsoft.com";

export const openGraph = async (options: Parameters<typeof startTestTenant>[0] = {}): Promise<GraphWorld> => {
  const test = await startTestTenant(options);
  const developer = await test.developerToken(audience);
  const graph: GraphWorld["graph"] = (method, path, json, token = developer) =>
    test.send({
      method,
      host: "graph.microsoft.com",
      path: `/v1.0${path}`,
      token,
      ...(json === undefined ? {} : { json }),
    });
  const tokenOf = async (principal: ServicePrincipal): Promise<string> =>
    (await test.tenant.issuer.issue({ principal, audience, proof: "secret" })).token;
  return {
    test,
    graph,
    tokenOf,
    tokenFor: async (principal, scopes) => {
      const clientAppId = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
      return (await test.tenant.issuer.issue({ principal, audience, proof: "user", clientAppId, scopes })).token;
    },
    appWith: async (...permissions) => {
      const principal: ServicePrincipal = {
        kind: "ServicePrincipal",
        objectId: crypto.randomUUID(),
        appId: crypto.randomUUID(),
        displayName: "caller",
        servicePrincipalType: "Application",
        appRoles: permissions.map((value) => ({ resourceAppId: graphAppId, value })),
      };
      await test.tenant.directory.put(principal);
      return { principal, token: await tokenOf(principal) };
    },
    makeApp: async (displayName, token) => {
      const app = (await graph("POST", "/applications", { displayName }, token)).body;
      const principal = (await graph("POST", "/servicePrincipals", { appId: app.appId }, token)).body;
      return { id: String(app.id), appId: String(app.appId), principalId: String(principal.id) };
    },
    signIn: async (appId, credential) => {
      const { status, body } = await test.send({
        method: "POST",
        host: "login.microsoftonline.com",
        path: `/${test.tenant.info.tenantId}/oauth2/v2.0/token`,
        form: {
          grant_type: "client_credentials",
          client_id: appId,
          scope: "https://vault.azure.net/.default",
          ...credential,
        },
      });
      return status === 200 ? 200 : Number(body.error_codes[0]);
    },
    [Symbol.asyncDispose]: () => test[Symbol.asyncDispose](),
  };
};
