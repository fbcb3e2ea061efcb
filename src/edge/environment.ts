/** The environment of a process that is to meet the local tenant instead of Azure. */
import { extraHosts, imdsAddress, platformHosts, resourceSuffixes, tunnelledAzureHosts } from "./names.ts";
import type { TrustFiles } from "./trust-files.ts";

export type Variables = Readonly<Record<string, string | undefined>>;

/** What the process runs on, when known. `other` gets every layer at once. */
export type Runtime = "node" | "python" | "java" | "other";

/** How an app finds its identity, beside the protocol of App Service. Each sets what makes SDKs choose it, and nothing else. */
export type IdentityOffer =
  | { readonly protocol: "app-service" }
  /** Nothing: clients come to IMDS when no variable says otherwise. */
  | { readonly protocol: "imds" }
  | { readonly protocol: "cloud-shell"; readonly endpoint: string }
  | { readonly protocol: "azure-ml"; readonly endpoint: string; readonly clientId?: string }
  | { readonly protocol: "arc"; readonly endpoint: string; readonly metadataEndpoint: string }
  | {
      readonly protocol: "workload";
      readonly clientId: string;
      readonly tenantId: string;
      readonly tokenFile: string;
    };

/** On whose authority the process acts. */
export type Actor =
  | {
      readonly kind: "app";
      /** Values of IDENTITY_ENDPOINT and IDENTITY_HEADER, also given as MSI_ENDPOINT and MSI_SECRET. */
      readonly identityEndpoint: string;
      readonly identityHeader: string;
      /** Default: App Service. */
      readonly offer?: IdentityOffer;
    }
  | { readonly kind: "developer"; readonly clientId: string; readonly clientSecret: string; readonly tenantId: string };

export interface EnvironmentInput {
  /** The variables the process would have had. */
  readonly base: Variables;
  readonly runtime: Runtime;
  readonly actor: Actor;
  /** Proxy credential: who is calling. */
  readonly account: { readonly name: string; readonly secret: string };
  readonly gatewayPort: number;
  readonly openPort: number;
  readonly tlsPort: number;
  readonly trust: TrustFiles;
  /** Path of hook.cjs. */
  readonly hook: string;
  /** The PostgreSQL front door. */
  readonly postgres?: { readonly address: string; readonly port: number };
  /** AZURE_CONFIG_DIR and AZD_CONFIG_DIR: empty folders for an app, the tenant's own for the developer. */
  readonly azureConfigFolder: string;
  readonly azdConfigFolder: string;
  /** Azure hosts that the gateway lets through to the real ones. */
  readonly passthrough?: readonly string[];
}

/** Changes to make to the base environment. No name is in both. */
export interface EnvironmentChange {
  readonly set: Readonly<Record<string, string>>;
  readonly unset: readonly string[];
}

/**
 * Credentials, and what makes a client look for some: an app's environment holds none of anybody's. They are unset
 * and not blanked, because clients test for presence (azure-identity for Python: `is not None`).
 */
const credentialVariables = [
  "AZURE_CLIENT_ID",
  "AZURE_CLIENT_SECRET",
  "AZURE_CLIENT_CERTIFICATE_PATH",
  "AZURE_CLIENT_CERTIFICATE_PASSWORD",
  "AZURE_CLIENT_SEND_CERTIFICATE_CHAIN",
  "AZURE_USERNAME",
  "AZURE_PASSWORD",
  "AZURE_TENANT_ID",
  "AZURE_FEDERATED_TOKEN_FILE",
  "AZURE_AUTHORITY_HOST",
  "AZURE_POD_IDENTITY_AUTHORITY_HOST",
  "AZURE_TOKEN_CREDENTIALS",
  "IDENTITY_ENDPOINT",
  "IDENTITY_HEADER",
  "IDENTITY_SERVER_THUMBPRINT",
  "IMDS_ENDPOINT",
  "MSI_ENDPOINT",
  "MSI_SECRET",
  "MSAL_MANAGED_IDENTITY_ENDPOINT",
  "DEFAULT_IDENTITY_CLIENT_ID",
];

const proxyVariables = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];

const local = ["localhost", "127.0.0.1", "::1"];

/** Composes the environment of a process: routing, trust and identity, and nothing of anybody else's credentials. */
export const composeEnvironment = (input: EnvironmentInput): EnvironmentChange => {
  const set: Record<string, string> = {
    ...trustVariables(input),
    ...proxies(input),
    ...identity(input),
    ...postgres(input),
    ...java(input),
    NODE_OPTIONS: nodeOptions(input),
    LANYARD_HOOK: hookConfiguration(input),
    AZURE_CONFIG_DIR: input.azureConfigFolder,
    AZD_CONFIG_DIR: input.azdConfigFolder,
    AZURE_CORE_COLLECT_TELEMETRY: "0",
  };
  const unset = new Set<string>([...credentialVariables, "SSL_CERT_DIR"]);
  for (const name of proxyVariables) if (input.runtime !== "node" || !isForeignProxy(input.base[name])) unset.add(name);
  for (const name of Object.keys(input.base)) if (/^(?:npm_|LANYARD_)/.test(name)) unset.add(name);
  return { set, unset: [...unset].filter((name) => !(name in set)) };
};

/** The base environment with a change applied. */
export const applyEnvironment = (base: Variables, change: EnvironmentChange): Record<string, string> => {
  const gone = new Set(change.unset);
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(base)) if (value !== undefined && !gone.has(name)) result[name] = value;
  return { ...result, ...change.set };
};

/** All but two of these replace the trust set, so they name the bundle with the roots trusted before. */
const trustVariables = ({ trust, base }: EnvironmentInput): Record<string, string> => ({
  REQUESTS_CA_BUNDLE: trust.bundle,
  SSL_CERT_FILE: trust.bundle,
  CURL_CA_BUNDLE: trust.bundle,
  GIT_SSL_CAINFO: trust.bundle,
  PIP_CERT: trust.bundle,
  AWS_CA_BUNDLE: trust.bundle,
  // Extends Node's own list: our root suffices, unless the variable was already taken for other roots.
  NODE_EXTRA_CA_CERTS: base.NODE_EXTRA_CA_CERTS === undefined ? trust.ca : trust.bundle,
});

const isForeignProxy = (value: string | undefined): boolean =>
  value !== undefined && value !== "" && !/@?(?:127\.0\.0\.1|localhost|\[::1\])(?::|\/|$)/.test(value);

const proxies = ({ runtime, actor, account, gatewayPort }: EnvironmentInput): Record<string, string> => {
  if (runtime === "node") {
    // The hook routes Azure's names in the process itself; by proxy, each request would cost a tunnel and a handshake.
    const names = [...local, ...resourceSuffixes.map((suffix) => `.${suffix}`), ...platformHosts, imdsAddress].join(
      ",",
    );
    return { NO_PROXY: names, no_proxy: names };
  }
  const url = `http://${encodeURIComponent(account.name)}:${encodeURIComponent(account.secret)}@127.0.0.1:${gatewayPort}`;
  const direct = local.join(",");
  return {
    HTTPS_PROXY: url,
    https_proxy: url,
    // IMDS is plain HTTP: on a cloud machine an app would otherwise reach the real one.
    ...(actor.kind === "app" ? { HTTP_PROXY: url, http_proxy: url } : {}),
    NO_PROXY: direct,
    no_proxy: direct,
  };
};

const identity = ({ actor }: EnvironmentInput): Record<string, string> => {
  if (actor.kind === "developer")
    return {
      AZURE_CLIENT_ID: actor.clientId,
      AZURE_CLIENT_SECRET: actor.clientSecret,
      AZURE_TENANT_ID: actor.tenantId,
    };
  const { identityEndpoint, identityHeader, offer = { protocol: "app-service" } } = actor;
  const managed = { AZURE_TOKEN_CREDENTIALS: "ManagedIdentityCredential" };
  switch (offer.protocol) {
    case "app-service":
      return {
        ...managed,
        IDENTITY_ENDPOINT: identityEndpoint,
        IDENTITY_HEADER: identityHeader,
        MSI_ENDPOINT: identityEndpoint,
        MSI_SECRET: identityHeader,
      };
    case "imds":
      return managed;
    case "cloud-shell":
      return { ...managed, MSI_ENDPOINT: offer.endpoint };
    case "azure-ml":
      return {
        ...managed,
        MSI_ENDPOINT: offer.endpoint,
        MSI_SECRET: identityHeader,
        // azidentity for .NET wants it to be there.
        ...(offer.clientId === undefined ? {} : { DEFAULT_IDENTITY_CLIENT_ID: offer.clientId }),
      };
    case "arc":
      return { ...managed, IDENTITY_ENDPOINT: offer.endpoint, IMDS_ENDPOINT: offer.metadataEndpoint };
    case "workload":
      // The one case in which an app's environment names a client: it is the identity's own, and no secret.
      return {
        AZURE_CLIENT_ID: offer.clientId,
        AZURE_TENANT_ID: offer.tenantId,
        AZURE_FEDERATED_TOKEN_FILE: offer.tokenFile,
        AZURE_AUTHORITY_HOST: "https://login.microsoftonline.com/",
        AZURE_TOKEN_CREDENTIALS: "WorkloadIdentityCredential",
      };
  }
};

/** libpq connects to PGHOSTADDR while name checks keep the host; PGPORT serves connection strings without a port. */
const postgres = ({ postgres, trust }: EnvironmentInput): Record<string, string> =>
  postgres === undefined
    ? {}
    : { PGHOSTADDR: postgres.address, PGPORT: String(postgres.port), PGSSLROOTCERT: trust.ca };

/**
 * The JDK ignores proxy variables and sends no proxy credentials: it gets the port that wants none. Azure's SDK takes the
 * variables, credentials included, once `java.net.useSystemProxies` is set, which the IMDS of an app depends on. Credentials
 * do not stand here: the JDK prints this variable when it starts.
 */
const java = ({ runtime, base, openPort, trust }: EnvironmentInput): Record<string, string> => {
  if (runtime === "node" || runtime === "python") return {};
  const options = [
    "-Djava.net.useSystemProxies=true",
    "-Dhttps.proxyHost=127.0.0.1",
    `-Dhttps.proxyPort=${openPort}`,
    "-Dhttp.proxyHost=127.0.0.1",
    `-Dhttp.proxyPort=${openPort}`,
    "-Dhttp.nonProxyHosts=localhost|127.*|[::1]",
    `-Djavax.net.ssl.trustStore=${quoted(trust.trustStore)}`,
    "-Djavax.net.ssl.trustStorePassword=changeit",
  ];
  return { JAVA_TOOL_OPTIONS: [base.JAVA_TOOL_OPTIONS ?? "", ...options].join(" ").trim() };
};

const quoted = (path: string): string => (/[\s"]/.test(path) ? `"${path.replaceAll(/["\\]/g, "\\$&")}"` : path);

const nodeOptions = ({ base, hook }: EnvironmentInput): string => {
  const given = base.NODE_OPTIONS ?? "";
  const option = `--require=${quoted(hook)}`;
  return given.includes(option) ? given : `${given} ${option}`.trim();
};

/** What hook.cjs reads from LANYARD_HOOK. */
const hookConfiguration = ({ gatewayPort, tlsPort, account, actor, postgres, passthrough }: EnvironmentInput): string =>
  JSON.stringify({
    port: gatewayPort,
    tlsPort,
    hosts: [...platformHosts, ...extraHosts.filter((host) => !tunnelledAzureHosts.includes(host))],
    suffixes: resourceSuffixes.map((suffix) => `.${suffix}`),
    passthrough: [...tunnelledAzureHosts, ...(passthrough ?? [])],
    ...(actor.kind === "app" ? { imdsAccount: `${account.name}:${account.secret}` } : {}),
    ...(postgres === undefined ? {} : { postgres }),
  });
