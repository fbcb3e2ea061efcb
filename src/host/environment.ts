/** The environment of an app's process: what App Service sets, the app's settings (twice), and what the edge hands in. */
import type { Language } from "./stack.ts";

export type ConnectionStringType =
  | "SQLServer"
  | "SQLAzure"
  | "MySql"
  | "PostgreSQL"
  | "Custom"
  | "NotificationHub"
  | "ServiceBus"
  | "EventHub"
  | "DocDb"
  | "RedisCache"
  | "ApiHub";

export interface ConnectionString {
  readonly value: string;
  readonly type: ConnectionStringType;
}

export interface SiteFacts {
  readonly name: string;
  readonly resourceGroup: string;
  readonly subscriptionId: string;
  /** Short form, e.g. `centralus`. */
  readonly region: string;
  /** e.g. `acme.azurewebsites.net`. */
  readonly hostName: string;
  readonly linuxFxVersion: string;
  /** Tier of the plan, e.g. `Basic`. */
  readonly tier: string;
  /** 64 hexadecimal digits; also the value of the affinity cookie. */
  readonly instanceId: string;
}

/** The variables of every built-in container (dump of a real app's container, 2026, and the table in the docs). */
export const platformEnvironment = (site: SiteFacts): Record<string, string> => {
  const [stack = "", version = ""] = site.linuxFxVersion.split("|");
  const webspace = site.region.replaceAll(/[^a-z0-9]/gi, "");
  return {
    WEBSITE_SITE_NAME: site.name,
    WEBSITE_RESOURCE_GROUP: site.resourceGroup,
    REGION_NAME: site.region,
    WEBSITE_OWNER_NAME: `${site.subscriptionId}+${site.resourceGroup}-${webspace}webspace-Linux`,
    WEBSITE_HOSTNAME: site.hostName,
    WEBSITE_DEFAULT_HOSTNAME: site.hostName,
    WEBSITE_DEPLOYMENT_ID: site.name,
    WEBSITE_INSTANCE_ID: site.instanceId,
    WEBSITE_ROLE_INSTANCE_ID: "0",
    WEBSITE_SKU: site.tier,
    WEBSITE_COMPUTE_MODE: "Dedicated",
    WEBSITE_STACK: stack.toUpperCase(),
    LINUX_FX_VERSION: site.linuxFxVersion,
    [`WEBSITE_${stack.toUpperCase()}_VERSION`]: version,
    WEBSITE_AUTH_ENABLED: "False",
    NUM_CORES: "1",
    PLATFORM_VERSION: "110.0.7.49",
    WEBSITE_ISOLATION: "lxc",
    ScmType: "None",
    ORYX_ENV_TYPE: "AppService",
  };
};

/** Prefix of a connection string's variable (App Service docs, "Connection strings"). */
const prefixOf = (type: ConnectionStringType): string => {
  if (type === "SQLServer") return "SQLCONNSTR_";
  return `${type.toUpperCase()}CONNSTR_`;
};

/** Platform variables that also appear with APPSETTING_; msrestazure and `az login --identity` look for them. */
const alsoSettings = ["WEBSITE_SITE_NAME", "WEBSITE_AUTH_ENABLED", "ScmType"] as const;

const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

export interface EnvironmentParts {
  readonly language: Language;
  readonly platform: Readonly<Record<string, string>>;
  readonly settings: Readonly<Record<string, string>>;
  readonly connectionStrings: Readonly<Record<string, ConnectionString>>;
  /** Composed by the edge: proxy, certificates, identity. Wins over settings. */
  readonly edge: Readonly<Record<string, string>>;
  readonly port: number;
  readonly home: string;
  readonly temporary: string;
  /** Folders before the system's in PATH: interpreter, virtual environment. */
  readonly path: readonly string[];
  /** The start command's own variables. */
  readonly start: Readonly<Record<string, string>>;
  /** Hook files of bind-hooks.ts. */
  readonly hooks: { readonly node: string; readonly pythonFolder: string };
}

const joined = (separator: string, ...parts: readonly (string | undefined)[]): string =>
  parts.filter((part) => part !== undefined && part !== "").join(separator);

/** The port that the app has on Azure: its own setting, or the image's default. */
export const usualPort = (language: Language, settings: Readonly<Record<string, string>>): string =>
  settings["PORT"] ?? settings["WEBSITES_PORT"] ?? (language === "python" ? "8000" : "8080");

/** What a site itself gives its app: the platform's variables, connection strings, and the settings, each twice. */
export const siteVariables = (
  parts: Pick<EnvironmentParts, "platform" | "settings" | "connectionStrings">,
): Record<string, string> => {
  const { settings, platform } = parts;
  const env: Record<string, string> = { ...platform };
  for (const name of alsoSettings) {
    const value = platform[name];
    if (value !== undefined) env[`APPSETTING_${name}`] = value;
  }
  for (const [name, { value, type }] of Object.entries(parts.connectionStrings)) env[prefixOf(type) + name] = value;
  for (const [name, value] of Object.entries(settings)) {
    env[name] = value;
    env[`APPSETTING_${name}`] = value;
  }
  return env;
};

/** Nothing of our own environment is in it. Names with dots reach the process as they are (no shell in between). */
export const appEnvironment = (parts: EnvironmentParts): Record<string, string> => {
  const { settings, edge } = parts;
  const env: Record<string, string> = { LANG: "C.UTF-8", ...siteVariables(parts), ...parts.start, ...edge };
  env["HOME"] = parts.home;
  env["TMPDIR"] = parts.temporary;
  env["PORT"] = String(parts.port);
  env["LANYARD_USUAL_PORT"] = usualPort(parts.language, settings);
  env["PATH"] = joined(":", ...parts.path, settings["PATH"], systemPath);
  env["NODE_OPTIONS"] = joined(
    " ",
    `--require=${JSON.stringify(parts.hooks.node)}`,
    edge["NODE_OPTIONS"],
    settings["NODE_OPTIONS"],
  );
  env["PYTHONPATH"] = joined(
    ":",
    parts.hooks.pythonFolder,
    parts.start["PYTHONPATH"],
    edge["PYTHONPATH"],
    settings["PYTHONPATH"],
  );
  return env;
};

/** Variables of ours that name registries and certificates for npm and pip. */
const toolNames =
  /^(npm_config_(registry|cafile|strict_ssl)|pip_(index_url|extra_index_url|find_links|trusted_host|cert|default_timeout|disable_pip_version_check)|ssl_cert_file|ssl_cert_dir|node_extra_ca_certs|requests_ca_bundle|https?_proxy|all_proxy|no_proxy)$/i;

const withUserInfo = /:\/\/[^/\s]*@/;

/**
 * From the environment that we were started with, what a build needs to find its registries. A value with credentials
 * in an address is left out: a build runs the app's code, and the tenant's own proxy is told by exactly that.
 */
export const toolEnvironment = (ours: Readonly<Record<string, string | undefined>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(ours).flatMap(([name, value]) =>
      value !== undefined && toolNames.test(name) && !withUserInfo.test(value) ? [[name, value]] : [],
    ),
  );

/** A build's environment: settings are visible to it, as in the SCM container; identity and proxy of the app are not. */
export const buildEnvironment = (parts: {
  readonly settings: Readonly<Record<string, string>>;
  readonly tools: Readonly<Record<string, string>>;
  readonly home: string;
  readonly temporary: string;
  readonly cache: string;
  readonly path: readonly string[];
}): Record<string, string> => ({
  LANG: "C.UTF-8",
  ...parts.settings,
  ...parts.tools,
  HOME: parts.home,
  TMPDIR: parts.temporary,
  PATH: joined(":", ...parts.path, systemPath),
  npm_config_cache: `${parts.cache}/npm`,
  npm_config_update_notifier: "false",
  npm_config_audit: "false",
  npm_config_fund: "false",
  npm_config_progress: "false",
  PIP_CACHE_DIR: `${parts.cache}/pip`,
  PIP_DISABLE_PIP_VERSION_CHECK: "1",
  PIP_NO_INPUT: "1",
});
