/** What a process needs to act as the developer or as an app: handed out on the control socket only. */
import { join } from "node:path";
import type { Tenant } from "../tenant.ts";
import { ensureApp } from "./apps.ts";
import { offerFor } from "./identity.ts";
import type { IdentityProtocol } from "./identity-protocols.ts";
import type { EnvironmentGrant, EnvironmentRequest } from "./protocol.ts";
import { privateFolder } from "./state-folder.ts";

export interface GrantContext {
  readonly tenant: Tenant;
  readonly state: string;
  readonly passthrough: readonly string[];
}

export const grantEnvironment = async (
  context: GrantContext,
  request: EnvironmentRequest,
): Promise<EnvironmentGrant> => {
  const { tenant, state, passthrough } = context;
  const common = {
    subscriptionId: tenant.info.subscriptionId,
    tenantId: tenant.info.tenantId,
    gatewayPort: tenant.gateway.port,
    openPort: tenant.gateway.openPort,
    tlsPort: tenant.gateway.tlsPort,
    postgres: { address: "127.0.0.1", port: tenant.postgres.frontDoorPort },
    caFile: tenant.certificates.caFile,
    passthrough,
  };
  return request.as === undefined
    ? { ...common, ...(await developer(tenant, state)) }
    : { ...common, ...(await app(tenant, state, request.as, request.create, request.identity)) };
};

type Who = Pick<EnvironmentGrant, "actor" | "settings" | "app" | "account" | "azureConfigFolder" | "azdConfigFolder">;

/** `az` looks for local settings in a folder of the same name as its own, so that must be `.azure` (az-cli.md 1.3). */
const configFolders = (base: string): Pick<Who, "azureConfigFolder" | "azdConfigFolder"> => ({
  azureConfigFolder: privateFolder(join(base, ".azure")),
  azdConfigFolder: privateFolder(join(base, ".azd")),
});

const developer = async (tenant: Tenant, state: string): Promise<Who> => {
  const { info } = tenant;
  const secret = (await tenant.directory.application(info.developerAppId))?.secrets[0]?.value;
  if (secret === undefined) throw new Error("The tenant's developer has no client secret.");
  return {
    actor: { kind: "developer", clientId: info.developerAppId, clientSecret: secret, tenantId: info.tenantId },
    account: { name: "developer", secret: tenant.developerProxySecret },
    ...configFolders(join(state, "developer")),
  };
};

/** Under another protocol than App Service's the process is on no App Service: clients look for its variables first. */
const settingsUnder = (
  identity: IdentityProtocol,
  variables: Readonly<Record<string, string>> | undefined,
): Readonly<Record<string, string>> | undefined =>
  variables === undefined || identity === "app-service"
    ? variables
    : Object.fromEntries(Object.entries(variables).filter(([name]) => !/^(?:APPSETTING|WEBSITE)_/.test(name)));

const app = async (
  tenant: Tenant,
  state: string,
  name: string,
  create: boolean,
  identity: IdentityProtocol = "app-service",
): Promise<Who> => {
  const { record, created } = await ensureApp(tenant, name, create);
  const secret = await tenant.secrets.of(record.id);
  const settings = settingsUnder(identity, await tenant.appVariables(record.id));
  return {
    actor: {
      kind: "app",
      identityEndpoint: `http://127.0.0.1:${tenant.gateway.port}/msi/token`,
      identityHeader: secret,
      offer: await offerFor(tenant, record, identity),
    },
    ...(settings === undefined ? {} : { settings }),
    app: { name: record.name, id: record.id, type: record.type, created },
    account: { name: tenant.secrets.accountName(record.id), secret },
    // Empty folders: an app finds nobody's login (ADR 1).
    ...configFolders(join(state, "empty")),
  };
};
