export interface Settings {
  readonly port: number;
  /** `https://{vault}.vault.azure.net/`; undefined when nobody has told the app. */
  readonly vaultUri: string | undefined;
  readonly secretName: string;
  /** Client id of a user-assigned identity to use. */
  readonly clientId: string | undefined;
}

/**
 * The tutorial names the vault KEY_VAULT_URL in its text and KEY_VAULT_URI in its code, Service Connector
 * AZURE_KEYVAULT_RESOURCEENDPOINT: each will do.
 */
export function readSettings(env: Readonly<Record<string, string | undefined>>): Settings {
  return {
    port: Number(env["PORT"] || 8080),
    vaultUri: env["KEY_VAULT_URI"] || env["KEY_VAULT_URL"] || env["AZURE_KEYVAULT_RESOURCEENDPOINT"] || undefined,
    secretName: env["SECRET_NAME"] || "secret",
    clientId: env["AZURE_KEYVAULT_CLIENTID"] || undefined,
  };
}
