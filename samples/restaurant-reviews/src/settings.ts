/**
 * What Service Connector writes into the app settings (client type "nodejs"), and PORT, which App Service sets.
 * https://learn.microsoft.com/azure/service-connector/how-to-integrate-postgres
 * https://learn.microsoft.com/azure/service-connector/how-to-integrate-storage-blob
 */
export interface DatabaseSettings {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  /** AZURE_POSTGRESQL_SSL; a token is a password, so anything but "false" means TLS. */
  readonly tls: boolean;
  /** Set when the connection uses a user-assigned identity. */
  readonly clientId: string | undefined;
}

export interface StorageSettings {
  /** Without a trailing slash: `https://{account}.blob.core.windows.net`. */
  readonly endpoint: string;
  readonly clientId: string | undefined;
}

/** Settings of one connection, or the names of those that are missing. */
export type Connection<T> =
  | { readonly configured: true; readonly settings: T }
  | { readonly configured: false; readonly missing: readonly string[] };

export interface Settings {
  readonly port: number;
  readonly database: Connection<DatabaseSettings>;
  readonly storage: Connection<StorageSettings>;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads the environment. Throws when a setting is present but makes no sense; an absent one is reported, not fatal. */
export function readSettings(env: Environment): Settings {
  return { port: portOf("PORT", env["PORT"], 8080), database: readDatabase(env), storage: readStorage(env) };
}

function readDatabase(env: Environment): Connection<DatabaseSettings> {
  const host = env["AZURE_POSTGRESQL_HOST"];
  const user = env["AZURE_POSTGRESQL_USER"];
  const database = env["AZURE_POSTGRESQL_DATABASE"];
  if (!host || !user || !database) {
    const required = ["AZURE_POSTGRESQL_HOST", "AZURE_POSTGRESQL_USER", "AZURE_POSTGRESQL_DATABASE"];
    return { configured: false, missing: required.filter((name) => !env[name]) };
  }
  return {
    configured: true,
    settings: {
      host,
      user,
      database,
      port: portOf("AZURE_POSTGRESQL_PORT", env["AZURE_POSTGRESQL_PORT"], 5432),
      tls: env["AZURE_POSTGRESQL_SSL"]?.toLowerCase() !== "false",
      clientId: env["AZURE_POSTGRESQL_CLIENTID"] || undefined,
    },
  };
}

function readStorage(env: Environment): Connection<StorageSettings> {
  const value = env["AZURE_STORAGEBLOB_RESOURCEENDPOINT"];
  if (!value) return { configured: false, missing: ["AZURE_STORAGEBLOB_RESOURCEENDPOINT"] };
  if (!URL.canParse(value)) throw new Error(`AZURE_STORAGEBLOB_RESOURCEENDPOINT is not a URL: ${value}`);
  return {
    configured: true,
    settings: {
      endpoint: new URL(value).href.replace(/\/+$/, ""),
      clientId: env["AZURE_STORAGEBLOB_CLIENTID"] || undefined,
    },
  };
}

function portOf(name: string, value: string | undefined, otherwise: number): number {
  if (value === undefined || value === "") return otherwise;
  const port = Number(value);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error(`${name} is not a port number: ${value}`);
  return port;
}
