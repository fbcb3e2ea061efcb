/**
 * The app settings that a connection writes: names and formats per target, client type and kind of authentication, to the
 * letter, because clients append tokens to these strings (app-service.md 5.3, from
 * learn.microsoft.com/azure/service-connector/how-to-integrate-postgres and …-storage-blob).
 */
import { type Target, targetType } from "./targets.ts";

export type Authentication =
  | { readonly kind: "system-identity" }
  | { readonly kind: "user-identity"; readonly clientId: string }
  | {
      readonly kind: "service-principal";
      readonly clientId: string;
      readonly clientSecret: string;
      readonly tenantId: string;
    }
  /** A database password, or an account key. */
  | { readonly kind: "secret"; readonly secret: string };

export interface SettingsRequest {
  readonly target: Target;
  readonly clientType: string;
  readonly authentication: Authentication;
  /** Database user. */
  readonly user: string;
  /** Set when another connection of the source has the plain names: goes into the keys. */
  readonly connectionName?: string;
  readonly customizedKeys?: Readonly<Record<string, string>>;
}

export type Setting = readonly [name: string, value: string];

/** Settings in the documented order; undefined for a client type that the target does not have. */
export const settingsFor = (request: SettingsRequest): readonly Setting[] | undefined => {
  const { target, connectionName, customizedKeys = {} } = request;
  const own = ownSettings(target, request);
  if (own === undefined) return undefined;
  const middle = connectionName === undefined ? "" : `${connectionName.toUpperCase()}_`;
  return [...own, ...credentialSettings(request.authentication)].map(([name, value]) => {
    const key = name.includes(".") ? name : `AZURE_${targetType(target)}_${middle}${name}`;
    return [customizedKeys[key] ?? key, value] as const;
  });
};

const ownSettings = (target: Target, request: SettingsRequest): readonly Setting[] | undefined => {
  switch (target.kind) {
    case "postgres":
      return postgresSettings(target, request);
    case "storage":
      return storageSettings(target, request);
    case "vault":
      return vaultSettings(target, request);
  }
};

/** The scope is the documented one, though a token for the vault needs another (how-to-integrate-key-vault). */
const vaultSettings = (
  { vault }: Target & { kind: "vault" },
  { clientType }: SettingsRequest,
): readonly Setting[] | undefined =>
  clientType.toLowerCase() === "springboot"
    ? undefined
    : [
        ["RESOURCEENDPOINT", `https://${vault.toLowerCase()}.vault.azure.net/`],
        ["SCOPE", "https://management.azure.com/.default"],
      ];

const postgresSettings = (
  target: Target & { kind: "postgres" },
  { clientType, authentication, user }: SettingsRequest,
): readonly Setting[] | undefined => {
  const host = `${target.server}.postgres.database.azure.com`;
  const db = target.database;
  const password = authentication.kind === "secret" ? authentication.secret : undefined;
  const ending = (separator: string): string => (password === undefined ? "" : `${separator}${password}`);
  const one = (value: string): readonly Setting[] => [["CONNECTIONSTRING", value]];
  const separate = (userName: string): readonly Setting[] => [
    ["HOST", host],
    [userName, user],
    ["DATABASE", db],
    ["PORT", "5432"],
    ["SSL", "true"],
    ...(password === undefined ? [] : [["PASSWORD", password] as const]),
  ];
  switch (clientType.toLowerCase()) {
    case "python":
      return one(`dbname=${db} host=${host} port=5432 sslmode=require user=${user}${ending(" password=")}`);
    case "django":
      return [
        ["NAME", db],
        ["HOST", host],
        ["USER", user],
        ...(password === undefined ? [] : [["PASSWORD", password] as const]),
      ];
    case "nodejs":
      return separate("USER");
    case "none":
      return separate("USERNAME");
    case "dotnet":
      return one(
        `Server=${host};Database=${db};Port=5432;Ssl Mode=Require;User Id=${user};${password === undefined ? "" : `Password=${password};`}`,
      );
    case "java":
      return one(`jdbc:postgresql://${host}:5432/${db}?sslmode=require&user=${user}${ending("&password=")}`);
    case "go":
      return one(`host=${host} dbname=${db} sslmode=require user=${user}${ending(" password=")}`);
    case "php":
    case "ruby":
      return one(`host=${host} port=5432 dbname=${db} sslmode=require user=${user}${ending(" password=")}`);
    case "springboot":
      return [
        ["spring.datasource.url", `jdbc:postgresql://${host}:5432/${db}?sslmode=require`],
        ["spring.datasource.username", user],
        password === undefined
          ? ["spring.datasource.azure.passwordless-enabled", "true"]
          : ["spring.datasource.password", password],
      ];
    default:
      return undefined;
  }
};

const storageSettings = (
  target: Target & { kind: "storage" },
  { authentication, clientType }: SettingsRequest,
): readonly Setting[] | undefined => {
  if (clientType.toLowerCase() === "springboot") return undefined;
  if (authentication.kind !== "secret")
    return [["RESOURCEENDPOINT", `https://${target.account}.${target.service}.core.windows.net/`]];
  return [
    [
      "CONNECTIONSTRING",
      `DefaultEndpointsProtocol=https;AccountName=${target.account};AccountKey=${authentication.secret};EndpointSuffix=core.windows.net`,
    ],
  ];
};

const credentialSettings = (authentication: Authentication): readonly Setting[] => {
  switch (authentication.kind) {
    case "user-identity":
      return [["CLIENTID", authentication.clientId]];
    case "service-principal":
      return [
        ["CLIENTID", authentication.clientId],
        ["CLIENTSECRET", authentication.clientSecret],
        ["TENANTID", authentication.tenantId],
      ];
    default:
      return [];
  }
};
