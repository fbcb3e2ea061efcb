import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ZipEntry, makeZip } from "../../host/zip.test-support.ts";
import { startTestTenant, type TestTenant } from "../../../test/support/tenant.ts";
import { invocationRequest } from "../../kernel/invocation.ts";
import type { Method } from "../../kernel/message.ts";

let test: TestTenant;
let group: string;
beforeAll(async () => {
  test = await startTestTenant();
  group = `/subscriptions/${test.tenant.info.subscriptionId}/resourceGroups/web`;
  expect((await test.arm("PUT", group, { location: "eastus" })).status).toBe(201);
  expect((await test.arm("PUT", planId("plan"), planBody)).status).toBe(200);
});
afterAll(() => test[Symbol.asyncDispose]());

const planId = (name: string) => `${group}/providers/Microsoft.Web/serverfarms/${name}`;
const siteId = (name: string) => `${group}/providers/Microsoft.Web/sites/${name}`;
const planBody = {
  location: "eastus",
  kind: "linux",
  sku: { name: "B1", tier: "Basic" },
  properties: { reserved: true },
};

const createSite = async (name: string, siteConfig: object = {}, rest: object = {}) => {
  const answer = await test.arm("PUT", siteId(name), {
    location: "eastus",
    properties: { serverFarmId: planId("plan"), siteConfig: { linuxFxVersion: "NODE|24-lts", ...siteConfig } },
    ...rest,
  });
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return answer.body;
};

/** A request with any body straight into the tenant. */
const send = async (
  method: Method,
  url: string,
  options: { readonly body?: Buffer; readonly headers?: Record<string, string>; readonly secure?: boolean } = {},
) => {
  const { host, pathname, search } = new URL(url);
  const body = options.body ?? Buffer.alloc(0);
  const headers = {
    host,
    "content-type": "application/zip",
    ...(body.length > 0 ? { "content-length": String(body.length) } : {}),
    ...options.headers,
  };
  const request = invocationRequest({ method, host, path: pathname + search, headers });
  const reply = await test.tenant.kernel.handle({
    ...request,
    secure: options.secure ?? true,
    body: { length: body.length, stream: () => Readable.from([body]), bytes: () => Promise.resolve(body) },
  });
  const { body: content } = reply;
  const text =
    content === undefined
      ? ""
      : "text" in content
        ? content.text
        : "stream" in content
          ? Buffer.concat(await content.stream.toArray()).toString()
          : "json" in content
            ? JSON.stringify(content.json)
            : "";
  return { status: reply.status, headers: reply.headers ?? {}, text };
};

const basicFor = async (name: string) => {
  const { body } = await test.arm("POST", `${siteId(name)}/config/publishingcredentials/list`);
  const { publishingUserName, publishingPassword } = body.properties;
  return { authorization: `Basic ${Buffer.from(`${publishingUserName}:${publishingPassword}`).toString("base64")}` };
};

const bearer = async (audience?: string) => ({ authorization: `Bearer ${await test.developerToken(audience)}` });

const scm = (name: string, path: string) => `https://${name}.scm.azurewebsites.net${path}`;

const latest = async (name: string) => {
  for (;;) {
    const answer = await send("GET", scm(name, "/api/deployments/latest"), { headers: await bearer() });
    if (answer.status === 200) return JSON.parse(answer.text) as { id: string; status: number; status_text: string };
    expect(answer.status).toBe(202);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

const zipDeploy = async (name: string, files: readonly ZipEntry[], headers?: Record<string, string>) => {
  const answer = await send("POST", scm(name, "/api/zipdeploy?isAsync=true"), {
    body: makeZip(files),
    headers: headers ?? (await bearer()),
  });
  expect(answer.status, answer.text).toBe(202);
  return { answer, deployment: await latest(name) };
};

const server = (body: string) => [
  {
    name: "server.js",
    content: `require("node:http").createServer((request, response) => { ${body} }).listen(process.env.PORT);`,
  },
];

describe("Microsoft.Web", () => {
  it("shows plans and sites with the fields that az and the SDKs read", async () => {
    const plan = await test.arm("GET", planId("plan"));
    expect(plan.body).toMatchObject({ kind: "linux", sku: { name: "B1", tier: "Basic", size: "B1" } });
    expect(plan.body.properties).toMatchObject({ status: "Ready", reserved: true, geoRegion: "East US" });
    const site = await createSite("shown", { appSettings: [{ name: "SECRET", value: "s3cret" }] });
    expect(site).toMatchObject({ kind: "app,linux", name: "shown", location: "eastus" });
    expect(site.properties).toMatchObject({
      state: "Running",
      defaultHostName: "shown.azurewebsites.net",
      enabledHostNames: ["shown.azurewebsites.net", "shown.scm.azurewebsites.net"],
      hostNameSslStates: [{ hostType: "Standard" }, { name: "shown.scm.azurewebsites.net", hostType: "Repository" }],
      serverFarmId: planId("plan"),
      resourceGroup: "web",
    });
    expect(JSON.stringify(site)).not.toContain("s3cret");
    expect((await test.arm("GET", siteId("shown"))).body).toEqual(site);
  });

  it("keeps settings apart: replaced as a whole by PUT, untouched by a site PUT without them, read by list only", async () => {
    await createSite("settings", { appSettings: [{ name: "A", value: "1" }] });
    const list = async () => (await test.arm("POST", `${siteId("settings")}/config/appsettings/list`)).body.properties;
    expect(await list()).toEqual({ A: "1" });
    await test.arm("PUT", `${siteId("settings")}/config/appsettings`, { properties: { B: "2", C: 3 } });
    expect(await list()).toEqual({ B: "2", C: "3" });
    // What `az webapp identity assign` does: the whole site back, with nulls.
    const site = (await test.arm("GET", siteId("settings"))).body;
    const answer = await test.arm("PUT", siteId("settings"), { ...site, identity: { type: "SystemAssigned" } });
    expect(answer.body.identity).toMatchObject({ type: "SystemAssigned", principalId: expect.any(String) });
    expect(await list()).toEqual({ B: "2", C: "3" });
    const web = await test.arm("PATCH", `${siteId("settings")}/config/web`, {
      properties: { appCommandLine: "start.sh", linuxFxVersion: null },
    });
    expect(web.body.properties).toMatchObject({ appCommandLine: "start.sh", linuxFxVersion: "NODE|24-lts" });
    expect((await test.arm("GET", `${siteId("settings")}/config/appsettings`)).status).toBe(404);
  });

  it("refuses unknown plans, unknown stacks, taken names, and a plan in use", async () => {
    const put = (name: string, properties: object) => test.arm("PUT", siteId(name), { location: "eastus", properties });
    expect((await put("bad", { serverFarmId: planId("none") })).status).toBe(404);
    expect((await put("bad", {})).status).toBe(400);
    const docker = await put("bad", { serverFarmId: planId("plan"), siteConfig: { linuxFxVersion: "DOCKER|nginx" } });
    expect(docker.body.error.message).toContain("LinuxFxVersion");
    await createSite("taken");
    const other = `${group.replace("/web", "/web2")}/providers/Microsoft.Web/sites/TAKEN`;
    await test.arm("PUT", group.replace("/web", "/web2"), { location: "eastus" });
    const twice = await test.arm("PUT", other, { location: "eastus", properties: { serverFarmId: planId("plan") } });
    expect([twice.status, twice.body.error.code]).toEqual([409, "Conflict"]);
    expect((await test.arm("DELETE", planId("plan"))).status).toBe(409);
    const name = `/subscriptions/${test.tenant.info.subscriptionId}/providers/Microsoft.Web/checknameavailability`;
    const check = await test.arm("POST", name, { name: "taken", type: "Site" });
    expect(check.body).toMatchObject({ nameAvailable: false, reason: "AlreadyExists" });
  });

  it("takes the plan along with its last site, unless told not to", async () => {
    await test.arm("PUT", planId("short"), planBody);
    const put = () =>
      test.arm("PUT", siteId("last"), { location: "eastus", properties: { serverFarmId: planId("short") } });
    await put();
    await test.arm("DELETE", `${siteId("last")}?deleteEmptyServerFarm=false`);
    expect((await test.arm("GET", planId("short"))).status).toBe(200);
    await put();
    expect((await test.arm("DELETE", siteId("last"))).status).toBe(200);
    expect((await test.arm("GET", planId("short"))).status).toBe(404);
  });

  it("lists the stacks that az insists on, and publishing profiles", async () => {
    const stacks = await test.arm("GET", "/providers/Microsoft.Web/webAppStacks");
    expect(JSON.stringify(stacks.body)).toContain('"runtimeVersion":"PYTHON|3.9"');
    await createSite("profiles");
    const xml = await test.arm("POST", `${siteId("profiles")}/publishxml`, { format: "WebDeploy" });
    expect(xml.body).toMatch(
      /^<publishData><publishProfile profileName="profiles - Web Deploy" .*userName="\$profiles"/,
    );
  });
});

describe("zip deploy", () => {
  it("runs an app, with publishing credentials as with a token, and says what it did", async () => {
    await createSite("shop", { appSettings: [{ name: "COLOUR", value: "blue" }] });
    const files = server("response.end(`${process.env.COLOUR} ${process.env.IDENTITY_ENDPOINT ?? 'no identity'}`);");
    const { answer, deployment } = await zipDeploy("shop", files, await basicFor("shop"));
    expect(answer.headers["Location"]).toMatch(/^https:\/\/shop\.scm\.azurewebsites\.net\/api\/deployments\/latest\?/);
    expect(deployment).toMatchObject({ status: 4, active: true, complete: true, is_temp: false });
    expect(await send("GET", "https://shop.azurewebsites.net/")).toMatchObject({
      status: 200,
      text: "blue no identity",
    });
    expect((await send("GET", "http://shop.localhost/", { secure: false })).text).toBe("blue no identity");

    await test.arm("PUT", `${siteId("shop")}/config/appsettings`, { properties: { COLOUR: "red" } });
    expect((await send("GET", "https://shop.azurewebsites.net/")).text).toBe("red no identity");
    await test.arm("PATCH", siteId("shop"), { identity: { type: "SystemAssigned" } });
    expect((await send("GET", "https://shop.azurewebsites.net/")).text).toMatch(
      /^red http:\/\/127\.0\.0\.1:\d+\/msi\/token$/,
    );

    const status = await test.arm("GET", `${siteId("shop")}/deploymentStatus/${deployment.id}`);
    expect(status.body.properties).toMatchObject({ status: "RuntimeSuccessful", numberOfInstancesSuccessful: 1 });
    const log = await send("GET", scm("shop", `/api/deployments/${deployment.id}/log`), { headers: await bearer() });
    const messages = (JSON.parse(log.text) as { message: string }[]).map(({ message }) => message);
    expect(messages[0]).toBe("Fetching changes.");
    expect(messages.at(-1)).toBe("Deployment successful.");
  }, 60_000);

  it("stops and starts the app as its state says", async () => {
    await createSite("state");
    await zipDeploy("state", server("response.end('up');"));
    await test.arm("POST", `${siteId("state")}/stop`);
    expect((await test.arm("GET", siteId("state"))).body.properties.state).toBe("Stopped");
    expect((await send("GET", "https://state.azurewebsites.net/")).status).toBe(403);
    await test.arm("POST", `${siteId("state")}/start`);
    expect((await send("GET", "https://state.azurewebsites.net/")).text).toBe("up");
    await test.arm("DELETE", siteId("state"));
    expect((await send("GET", "https://state.azurewebsites.net/")).status).toBe(421);
  }, 60_000);

  it("reports a refused archive and a failed build as a failed deployment", async () => {
    await createSite("broken", { appSettings: [{ name: "SCM_DO_BUILD_DURING_DEPLOYMENT", value: "true" }] });
    const bomb = await zipDeploy("broken", [{ name: "../evil", content: "x" }]);
    expect(bomb.deployment).toMatchObject({ status: 3, active: false, complete: true });
    expect(bomb.deployment.status_text).toContain("climbs out");
    const built = await zipDeploy("broken", [
      { name: "package.json", content: '{"scripts":{"build":"echo because; exit 3"}}' },
    ]);
    expect(built.deployment.status_text).toContain("npm run build failed with exit code: 3");
    const log = await send("GET", scm("broken", "/api/deployments/latest/log"), { headers: await bearer() });
    const details = (JSON.parse(log.text) as { details_url: string | null }[]).flatMap(
      ({ details_url }) => details_url ?? [],
    );
    const text = await send("GET", details[0] ?? "", { headers: await bearer() });
    expect(text.text).toContain("because");
    const sync = await send("POST", scm("broken", "/api/zipdeploy"), {
      body: Buffer.from("no zip"),
      headers: await bearer(),
    });
    expect(sync.status).toBe(400);
  }, 60_000);

  it("lets one deployment run at a time", async () => {
    await createSite("locked");
    const push = async () =>
      send("POST", scm("locked", "/api/zipdeploy?isAsync=true"), {
        body: makeZip(server("response.end();")),
        headers: await bearer(),
      });
    const statuses = (await Promise.all([push(), push(), push()])).map(({ status }) => status);
    expect(statuses.toSorted((a, b) => a - b)).toEqual([202, 409, 409]);
    await latest("locked");
  }, 60_000);

  it("is refused without credentials, with wrong ones, with another site's, and with Basic where that is off", async () => {
    await createSite("guarded");
    await createSite("other");
    const attempt = async (headers: Record<string, string>) =>
      send("POST", scm("guarded", "/api/zipdeploy"), { body: makeZip(server("")), headers });
    const none = await attempt({});
    expect([none.status, none.headers["WWW-Authenticate"]]).toEqual([401, 'Basic realm="site"']);
    expect((await attempt({ authorization: `Basic ${Buffer.from("$guarded:wrong").toString("base64")}` })).status).toBe(
      401,
    );
    expect((await attempt(await basicFor("other"))).status).toBe(401);
    expect((await attempt(await bearer("https://vault.azure.net"))).status).toBe(401);
    const good = await basicFor("guarded");
    await test.arm("PUT", `${siteId("guarded")}/basicPublishingCredentialsPolicies/scm`, {
      properties: { allow: false },
    });
    expect((await attempt(good)).status).toBe(401);
    const identity = await test.arm("PATCH", siteId("other"), { identity: { type: "SystemAssigned" } });
    const principal = await test.tenant.directory.principal(identity.body.identity.principalId);
    if (principal?.kind !== "ServicePrincipal") throw new Error("No principal.");
    const { token } = await test.tenant.issuer.issue({
      principal,
      audience: "https://management.azure.com",
      proof: "managed-identity",
    });
    expect((await attempt({ authorization: `Bearer ${token}` })).status).toBe(403);
    expect((await test.arm("POST", `${siteId("guarded")}/config/appsettings/list`, undefined, token)).status).toBe(403);
  });
});

describe("the front door", () => {
  it("redirects to https where the site says so, except for localhost names", async () => {
    await test.arm("PUT", siteId("secure"), {
      location: "eastus",
      properties: { serverFarmId: planId("plan"), httpsOnly: true },
    });
    const plain = await send("GET", "http://secure.azurewebsites.net/a?b=1", { secure: false });
    expect([plain.status, plain.headers["Location"]]).toEqual([301, "https://secure.azurewebsites.net/a?b=1"]);
    const page = await send("GET", "http://secure.localhost/", { secure: false });
    expect([page.status, page.text.includes("waiting for your content")]).toEqual([200, true]);
  });

  it("streams the log of an app", async () => {
    await createSite("talker");
    await zipDeploy("talker", server("console.log(`asked for ${request.url}`); response.end('ok');"));
    await send("GET", "https://talker.azurewebsites.net/hello");
    const request = invocationRequest({
      method: "GET",
      host: "talker.scm.azurewebsites.net",
      path: "/logstream",
      headers: await bearer(),
    });
    const reply = await test.tenant.kernel.handle(request);
    if (reply.body === undefined || !("stream" in reply.body)) throw new Error("No stream.");
    let text = "";
    for await (const chunk of reply.body.stream) {
      text += String(chunk);
      if (text.includes("asked for /hello")) break;
    }
    expect(text).toContain("Welcome, you are now connected to log-streaming service.");
  }, 60_000);

  it("has caused no failure of ours", () => {
    expect(test.errors).toEqual([]);
  });
});
