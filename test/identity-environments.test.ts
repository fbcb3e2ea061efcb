/** What `--identity` puts into an app's environment, over real connections, and what a leaked secret is worth. */
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { arcKeyFiles } from "../src/arc-keys.ts";
import { randomIds } from "../src/kernel/ids.ts";
import { startTenant, type TestTenant } from "../src/testing/start-tenant.ts";

const resource = "https://storage.azure.com";
let tenant: TestTenant;
let identityId: string;
beforeAll(async () => {
  tenant = await startTenant();
  const group = `/subscriptions/${tenant.subscriptionId}/resourceGroups/rg`;
  await tenant.arm("PUT", `${group}?api-version=2021-04-01`, { location: "eastus" });
  identityId = `${group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/worker`;
  await tenant.arm("PUT", `${identityId}?api-version=2023-01-31`, { location: "eastus" });
});
afterAll(() => tenant.close());

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}
/** A plain request; with `via`, through that proxy as every proxy client sends it. */
const send = (
  url: string,
  options: { method?: string; headers?: Record<string, string>; body?: string; via?: string | undefined } = {},
): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const proxy = options.via === undefined ? undefined : new URL(options.via);
    const target = new URL(url);
    const credential =
      proxy === undefined || proxy.username === ""
        ? {}
        : {
            "proxy-authorization": `Basic ${Buffer.from(`${decodeURIComponent(proxy.username)}:${proxy.password}`).toString("base64")}`,
          };
    request(
      {
        host: (proxy ?? target).hostname,
        port: (proxy ?? target).port,
        path: proxy === undefined ? `${target.pathname}${target.search}` : url,
        method: options.method ?? "GET",
        headers: { host: target.host, ...credential, ...options.headers },
      },
      (response) =>
        void text(response).then(
          (body) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
          reject,
        ),
    )
      .once("error", reject)
      .end(options.body);
  });
const oid = (answer: Answer): unknown =>
  decodeJwt((JSON.parse(answer.body) as { access_token: string }).access_token)["oid"];

describe("an environment", () => {
  it("offers one protocol, and nothing that another client class would take up", async () => {
    const names = [
      "IDENTITY_ENDPOINT",
      "IDENTITY_HEADER",
      "MSI_ENDPOINT",
      "MSI_SECRET",
      "IMDS_ENDPOINT",
      "AZURE_CLIENT_ID",
      "AZURE_FEDERATED_TOKEN_FILE",
      "AZURE_CLIENT_SECRET",
    ];
    const offered = async (identity: "app-service" | "imds" | "cloud-shell" | "azure-ml" | "workload") => {
      const env = await tenant.environment({ as: "worker", identity });
      return names.filter((name) => name in env);
    };
    expect(await offered("app-service")).toEqual([
      "IDENTITY_ENDPOINT",
      "IDENTITY_HEADER",
      "MSI_ENDPOINT",
      "MSI_SECRET",
    ]);
    expect(await offered("imds")).toEqual([]);
    expect(await offered("cloud-shell")).toEqual(["MSI_ENDPOINT"]);
    expect(await offered("azure-ml")).toEqual(["MSI_ENDPOINT", "MSI_SECRET"]);
    expect(await offered("workload")).toEqual(["AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE"]);
  });

  it("refuses workload identity where Azure has none", async () => {
    await expect(tenant.environment({ as: "system-only", identity: "workload" })).rejects.toThrow(
      "no user-assigned identity",
    );
  });

  it("holds a token file that only its owner reads, and a federated credential is made once", async () => {
    const env = await tenant.environment({ as: "worker", identity: "workload" });
    await tenant.environment({ as: "worker", identity: "workload" });
    expect(statSync(env["AZURE_FEDERATED_TOKEN_FILE"] ?? "").mode & 0o777).toBe(0o600);
    const { body } = await tenant.arm("GET", `${identityId}/federatedIdentityCredentials?api-version=2023-01-31`);
    expect(body.value).toHaveLength(1);
  });
});

describe("a projected token", () => {
  it("is its own app's alone: one of the same name in another group is somebody else", async () => {
    const other = `/subscriptions/${tenant.subscriptionId}/resourceGroups/other`;
    const twin = `${other}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/worker`;
    await tenant.arm("PUT", `${other}?api-version=2021-04-01`, { location: "eastus" });
    await tenant.arm("PUT", `${twin}?api-version=2023-01-31`, { location: "eastus" });
    const [own, foreign] = await Promise.all(
      [identityId, twin].map((as) => tenant.environment({ as, identity: "workload" })),
    );
    const exchange = (clientId: string | undefined, tokenFile: string | undefined) =>
      send(`http://login.microsoftonline.com/${tenant.tenantId}/oauth2/v2.0/token`, {
        method: "POST",
        via: own?.["HTTP_PROXY"],
        headers: { "content-type": "application/x-www-form-urlencoded" },
        body: new URLSearchParams({
          grant_type: "client_credentials",
          client_id: clientId ?? "",
          scope: `${resource}/.default`,
          client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
          client_assertion: readFileSync(tokenFile ?? "", "utf8"),
        }).toString(),
      });
    const status = async (...given: Parameters<typeof exchange>) => (await exchange(...given)).status;
    const [client, file] = ["AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE"] as const;
    expect(await status(own?.[client], own?.[file])).toBe(200);
    expect(await status(foreign?.[client], foreign?.[file])).toBe(200);
    expect(await status(own?.[client], foreign?.[file])).toBe(401);
    expect(await status(foreign?.[client], own?.[file])).toBe(401);
  });
});

describe("IMDS through the proxy", () => {
  const address = `http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource=${resource}`;
  const metadata = { metadata: "true" };

  it("tells apps apart by their proxy credential", async () => {
    const one = await tenant.environment({ as: "imds-one", identity: "imds" });
    const two = await tenant.environment({ as: "imds-two", identity: "imds" });
    const [first, second] = await Promise.all(
      [one, two].map((env) => send(address, { via: env["HTTP_PROXY"], headers: metadata })),
    );
    expect([first?.status, second?.status]).toEqual([200, 200]);
    expect(oid(first as Answer)).not.toBe(oid(second as Answer));
  });

  it("gives nothing without the header, forwarded, without a credential, with the developer's, or under another name", async () => {
    const env = await tenant.environment({ as: "imds-one", identity: "imds" });
    const developer = await tenant.environment();
    const via = env["HTTP_PROXY"];
    const direct = new URL(via ?? "").origin.replace(/\/\/.*@/, "//");
    const tries = [
      send(address, { via }),
      send(address, { via, headers: { ...metadata, "x-forwarded-for": "1.2.3.4" } }),
      send(address, { via: direct, headers: metadata }),
      send(address, { via: developer["HTTPS_PROXY"], headers: metadata }),
      send(`${direct}/metadata/identity/oauth2/token?api-version=2018-02-01&resource=${resource}`, {
        headers: metadata,
      }),
      send(`${direct}/metadata/identity/oauth2/token?api-version=2018-02-01&resource=${resource}`, {
        headers: { ...metadata, host: "169.254.169.254" },
      }),
      send(address.replace("169.254.169.254", "169.254.169.254.nip.io"), { via: direct, headers: metadata }),
      send(address.replace("169.254.169.254", "2852039166"), { via: direct, headers: metadata }),
    ];
    for (const answer of await Promise.all(tries)) {
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.status).toBeLessThan(500);
      expect(answer.body).not.toContain("access_token");
    }
  });
});

describe("an app that follows a redirect to its own identity endpoint", () => {
  it.each(["imds", "app-service"] as const)("gets no token by it: %s", async (identity) => {
    const settings = { as: "redirected", identity, command: "node" };
    const own = (await tenant.environment(settings))["IDENTITY_ENDPOINT"];
    const target =
      identity === "imds"
        ? `http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource=${resource}`
        : `${own}?api-version=2019-08-01&resource=${resource}`;
    const elsewhere = createServer((_request, response) => void response.writeHead(302, { location: target }).end());
    elsewhere.listen(0, "127.0.0.1");
    await once(elsewhere, "listening");
    const { port } = elsewhere.address() as AddressInfo;
    const program = `const a = await fetch("http://127.0.0.1:${port}/"); console.log(JSON.stringify([a.redirected, a.status, await a.text()]))`;
    const { stdout, stderr } = await tenant.run(process.execPath, ["--input-type=module", "-e", program], settings);
    elsewhere.close();
    expect(stdout, stderr).not.toContain("access_token");
    const [redirected, status] = JSON.parse(stdout) as [boolean, number];
    expect([redirected, status]).toEqual([true, identity === "imds" ? 400 : 401]);
  });
});

describe("a leaked identity header", () => {
  it("of one app opens nothing of another", async () => {
    const one = await tenant.environment({ as: "leak-one" });
    const two = await tenant.environment({ as: "leak-two" });
    const ask = (more = "") =>
      send(`${two["IDENTITY_ENDPOINT"]}?api-version=2019-08-01&resource=${resource}${more}`, {
        headers: { "x-identity-header": one["IDENTITY_HEADER"] ?? "" },
      });
    const own = await send(`${two["IDENTITY_ENDPOINT"]}?api-version=2019-08-01&resource=${resource}`, {
      headers: { "x-identity-header": two["IDENTITY_HEADER"] ?? "" },
    });
    const { appid, oid: theirs } = decodeJwt((JSON.parse(own.body) as { access_token: string }).access_token) as {
      appid: string;
      oid: string;
    };
    expect(oid(await ask())).not.toBe(theirs);
    for (const selector of [`client_id=${appid}`, `object_id=${theirs}`, `principal_id=${theirs}`])
      expect((await ask(`&${selector}`)).status).toBe(400);
  });
});

describe("Azure Arc", () => {
  const open = async () => {
    const folder = await mkdtemp(join(tmpdir(), "lanyard-arc-"));
    return {
      folder,
      tokens: join(folder, "azcmagent", "tokens"),
      files: arcKeyFiles(randomIds, join(folder, "azcmagent", "tokens"), join(folder, "himds")),
    };
  };

  it("writes keys that only their owner reads, each good for one resource and once, and leaves nothing", async () => {
    const { folder, tokens, files } = await open();
    expect(await files.issue("/a")).toBeUndefined();
    await files.enable("/A");
    await files.enable("/b");
    const file = (await files.issue("/a")) ?? "";
    expect(file).toMatch(/\.key$/);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const key = readFileSync(file, "utf8");
    expect(await files.redeem("/b", key)).toBe(false);
    expect(await files.redeem("/a", `${key}x`)).toBe(false);
    expect(await files.redeem("/a", key)).toBe(true);
    expect(existsSync(file)).toBe(false);
    expect(await files.redeem("/a", key)).toBe(false);
    for (let count = 0; count < 30; count++) await files.issue("/a");
    expect(readdirSync(tokens).length).toBeLessThanOrEqual(8);
    await files.close();
    expect(readdirSync(folder)).toEqual([]);
    await rm(folder, { recursive: true });
  });

  it("says why where its folder cannot be made", async () => {
    const { folder } = await open();
    await writeFile(join(folder, "file"), "");
    const files = arcKeyFiles(randomIds, join(folder, "file", "tokens"), join(folder, "himds"));
    await expect(files.enable("/a")).rejects.toThrow("may not write there");
    expect(await files.issue("/a")).toBeUndefined();
    await rm(folder, { recursive: true });
  });

  it("stays out of the way of a real agent", async () => {
    const { folder, files } = await open();
    await writeFile(join(folder, "himds"), "");
    await expect(files.enable("/a")).rejects.toThrow("own agent is installed");
    expect(readdirSync(folder)).toEqual(["himds"]);
    await rm(folder, { recursive: true });
  });
});

it("none of this fails on Lanyard's side", () => expect(tenant.failures).toEqual([]));
