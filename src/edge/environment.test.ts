import { describe, expect, test } from "vitest";
import { applyEnvironment, composeEnvironment, type EnvironmentInput } from "./environment.ts";

const input: EnvironmentInput = {
  base: { PATH: "/bin" },
  runtime: "other",
  actor: { kind: "app", identityEndpoint: "http://127.0.0.1:1/msi/token", identityHeader: "header" },
  account: { name: "my app", secret: "p@ss" },
  gatewayPort: 4000,
  openPort: 4001,
  tlsPort: 4002,
  trust: { ca: "/s/ca.pem", bundle: "/s/bundle.pem", trustStore: "/s/my trust.jks" },
  hook: "/opt/my tools/hook.cjs",
  postgres: { address: "127.0.0.1", port: 5433 },
  azureConfigFolder: "/s/azure",
  azdConfigFolder: "/s/azd",
};

const compose = (change: Partial<EnvironmentInput> = {}): Record<string, string> => {
  const all = { ...input, ...change };
  return applyEnvironment(all.base, composeEnvironment(all));
};

describe("an app's environment", () => {
  test("holds nobody's credentials, not even empty ones", () => {
    const leaked = {
      AZURE_CLIENT_ID: "id",
      AZURE_CLIENT_SECRET: "secret",
      AZURE_TENANT_ID: "tenant",
      AZURE_USERNAME: "u",
      AZURE_FEDERATED_TOKEN_FILE: "/f",
      AZURE_AUTHORITY_HOST: "https://elsewhere",
      IMDS_ENDPOINT: "http://x",
    };
    const names = Object.keys(compose({ base: leaked }));
    for (const name of Object.keys(leaked)) expect(names).not.toContain(name);
  });

  test("names the managed identity in both dialects and nothing to fall through to", () => {
    expect(compose({ base: { MSI_SECRET: "another's", AZURE_CONFIG_DIR: "/home/me/.azure" } })).toMatchObject({
      IDENTITY_ENDPOINT: "http://127.0.0.1:1/msi/token",
      IDENTITY_HEADER: "header",
      MSI_ENDPOINT: "http://127.0.0.1:1/msi/token",
      MSI_SECRET: "header",
      AZURE_TOKEN_CREDENTIALS: "ManagedIdentityCredential",
      AZURE_CONFIG_DIR: "/s/azure",
      AZD_CONFIG_DIR: "/s/azd",
    });
  });

  test("has none of npm's variables and none of ours but the hook's", () => {
    const names = Object.keys(
      compose({ base: { npm_config_cache: "/c", npm_lifecycle_event: "start", LANYARD_STATE: "/s" } }),
    );
    expect(names.filter((name) => /^(?:npm_|LANYARD_)/.test(name))).toEqual(["LANYARD_HOOK"]);
  });
});

describe("the developer's environment", () => {
  test("holds the service principal, no identity endpoint, and no credential for IMDS", () => {
    const developer = compose({
      base: { IDENTITY_ENDPOINT: "x", IDENTITY_HEADER: "y", AZURE_TOKEN_CREDENTIALS: "prod" },
      actor: { kind: "developer", clientId: "c", clientSecret: "s", tenantId: "t" },
    });
    expect(developer).toMatchObject({ AZURE_CLIENT_ID: "c", AZURE_CLIENT_SECRET: "s", AZURE_TENANT_ID: "t" });
    for (const name of ["IDENTITY_ENDPOINT", "IDENTITY_HEADER", "AZURE_TOKEN_CREDENTIALS", "HTTP_PROXY"])
      expect(developer).not.toHaveProperty(name);
    expect(developer["LANYARD_HOOK"]).not.toContain("imdsAccount");
  });
});

describe("routing", () => {
  test("sets proxies in both cases, escapes the credential and resets inherited exemptions", () => {
    const found = compose({ base: { NO_PROXY: ".azure.com", no_proxy: "*", ALL_PROXY: "http://corp:1" } });
    for (const name of ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"])
      expect(found[name]).toBe("http://my%20app:p%40ss@127.0.0.1:4000");
    expect(found).not.toHaveProperty("ALL_PROXY");
    expect(found["NO_PROXY"]).toBe("localhost,127.0.0.1,::1");
    expect(found["no_proxy"]).toBe("localhost,127.0.0.1,::1");
  });

  test("leaves a Node app to the hook, with the company's proxy for everything else", () => {
    const node = compose({
      runtime: "node",
      base: { HTTPS_PROXY: "http://corp:1", http_proxy: "http://app:x@127.0.0.1:4000" },
    });
    expect(node["HTTPS_PROXY"]).toBe("http://corp:1");
    expect(node).not.toHaveProperty("http_proxy");
    expect(node["NO_PROXY"]).toContain(".blob.core.windows.net");
    expect(node).not.toHaveProperty("JAVA_TOOL_OPTIONS");
  });

  test("appends to NODE_OPTIONS and JAVA_TOOL_OPTIONS, once, with paths that hold spaces", () => {
    const first = compose({ base: { NODE_OPTIONS: "--enable-source-maps", JAVA_TOOL_OPTIONS: "-Xmx1g" } });
    expect(first["NODE_OPTIONS"]).toBe('--enable-source-maps --require="/opt/my tools/hook.cjs"');
    expect(first["JAVA_TOOL_OPTIONS"]).toMatch(/^-Xmx1g .*-Djavax\.net\.ssl\.trustStore="\/s\/my trust\.jks"/);
    expect(compose({ base: first })["NODE_OPTIONS"]).toBe(first["NODE_OPTIONS"]);
  });

  test("points libpq at the front door only when there is one", () => {
    expect(compose()).toMatchObject({ PGHOSTADDR: "127.0.0.1", PGPORT: "5433", PGSSLROOTCERT: "/s/ca.pem" });
    const { postgres: _, ...without } = input;
    expect(composeEnvironment(without).set).not.toHaveProperty("PGHOSTADDR");
  });
});

describe("trust", () => {
  test("is a full bundle where a variable replaces the roots, and our root where it adds to them", () => {
    const found = compose({ base: { SSL_CERT_DIR: "/etc/ssl/certs" } });
    for (const name of ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE"])
      expect(found[name]).toBe("/s/bundle.pem");
    expect(found["NODE_EXTRA_CA_CERTS"]).toBe("/s/ca.pem");
    expect(found).not.toHaveProperty("SSL_CERT_DIR");
    expect(compose({ base: { NODE_EXTRA_CA_CERTS: "/corp.pem" } })["NODE_EXTRA_CA_CERTS"]).toBe("/s/bundle.pem");
  });
});

test("no variable is both set and unset", () => {
  const { set, unset } = composeEnvironment({ ...input, base: { HTTPS_PROXY: "x", AZURE_CLIENT_ID: "y" } });
  expect(unset.filter((name) => name in set)).toEqual([]);
});
