import { createHash } from "node:crypto";
import { parseArgs } from "node:util";

export interface DeploySettings {
  readonly subscriptionId: string;
  readonly location: string;
  readonly resourceGroup: string;
  readonly appName: string;
  readonly planName: string;
  readonly vaultName: string;
  readonly secretName: string;
  /** Undefined: a secret that is there already stays as it is. */
  readonly secretValue: string | undefined;
}

export const USAGE = `Usage: node deploy.ts [options]        (or set the variable in brackets)

  --subscription ID       Azure subscription                 [AZURE_SUBSCRIPTION_ID], required
  --location NAME         region                             [LOCATION], eastus
  --resource-group NAME   resource group                     [RESOURCE_GROUP_NAME], key-vault-secret
  --app NAME              web app, unique in all of Azure    [APP_SERVICE_NAME], secret-<suffix>
  --vault NAME            key vault, unique as well          [KEY_VAULT_NAME], kv-<suffix>
  --secret NAME           the secret's name                  [SECRET_NAME], secret
                          the secret's value                 [SECRET_VALUE] (variable only: others can read a command line)

<suffix> is always the same for the same subscription and resource group.`;

/** Settings from flags, then variables, then defaults. Throws an Error with a usable message. */
export function readDeploySettings(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): DeploySettings {
  const option = { type: "string" } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      subscription: option,
      location: option,
      "resource-group": option,
      app: option,
      vault: option,
      secret: option,
    },
  });
  const subscriptionId = values.subscription || env["AZURE_SUBSCRIPTION_ID"];
  if (!subscriptionId) throw new Error("No subscription: set AZURE_SUBSCRIPTION_ID or pass --subscription.");
  const resourceGroup = values["resource-group"] || env["RESOURCE_GROUP_NAME"] || "key-vault-secret";
  const suffix = createHash("sha256")
    .update(`${subscriptionId}/${resourceGroup}`.toLowerCase())
    .digest("hex")
    .slice(0, 8);
  const appName = values.app || env["APP_SERVICE_NAME"] || `secret-${suffix}`;
  const vaultName = values.vault || env["KEY_VAULT_NAME"] || `kv-${suffix}`;
  if (!/^[A-Za-z](?!.*--)[A-Za-z0-9-]{1,22}[A-Za-z0-9]$/.test(vaultName))
    throw new Error(`Not a key vault name (3 to 24 letters, digits and hyphens): ${vaultName}`);
  return {
    subscriptionId,
    resourceGroup,
    appName,
    vaultName,
    location: values.location || env["LOCATION"] || "eastus",
    planName: `${appName}-plan`,
    secretName: values.secret || env["SECRET_NAME"] || "secret",
    secretValue: env["SECRET_VALUE"] || undefined,
  };
}
