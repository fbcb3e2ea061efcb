/** Container apps on a real engine, called through the gateway under their production names. */
import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { startTenant, type TestTenant } from "../../src/testing/start-tenant.ts";
import { needs } from "../support/skip.ts";
import { startEngine, type TestEngine } from "./engine.ts";

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });

/** Writes what the container sees into files and serves them. */
const script = (port: number, extra = ""): string =>
  [
    "mkdir -p /tmp/www; cd /tmp/www",
    "env > env; id > id; cat /proc/self/status > status; ls /run /var/run > run 2>&1",
    'touch "$NODE_EXTRA_CA_CERTS" > ca 2>&1 || echo refused >> ca; cat "$SSL_CERT_FILE" > bundle',
    'echo "hello from $CONTAINER_APP_REVISION"; echo trouble >&2',
    extra,
    // What an app does: ask for a token when it is asked for something.
    "mkdir cgi-bin",
    `printf '#!/bin/sh\\nprintf "Content-Type: text/plain\\r\\n\\r\\n"; wget -q -Y off -O - --header "X-IDENTITY-HEADER: $IDENTITY_HEADER" "$IDENTITY_ENDPOINT?resource=https://vault.azure.net&api-version=2019-08-01" || echo none' > cgi-bin/token`,
    "/bin/busybox chmod 755 cgi-bin/token",
    `exec httpd -f -p 127.0.0.1:${port} -h /tmp/www`,
  ]
    .filter((line) => line !== "")
    .join("\n");

needs(
  "podman",
  "runc",
  "busybox",
)("container apps on an engine", () => {
  const opened = new AsyncDisposableStack();
  let engine: TestEngine;
  let tenant: TestTenant;
  let state: string;
  let apps: string;
  let environment: string;
  let port: number;

  beforeAll(async () => {
    engine = opened.use(await startEngine());
    state = mkdtempSync(join(tmpdir(), "lanyard-state-"));
    opened.defer(() => rmSync(state, { recursive: true, force: true }));
    opened.defer(() => tenant.close());
    tenant = await startTenant({ state, containerEngine: engine.socket });
    port = await freePort();
    const group = `/subscriptions/${tenant.subscriptionId}/resourceGroups/apps`;
    apps = `${group}/providers/Microsoft.App/containerApps`;
    await arm("PUT", group, { location: "eastus" });
    environment = (
      await arm("PUT", `${group}/providers/Microsoft.App/managedEnvironments/env`, {
        location: "eastus",
        properties: {},
      })
    ).id;
    // A container that an earlier life of the tenant left behind.
    engine.podman(
      "create",
      "--name",
      "left-behind",
      "--label",
      `lanyard.tenant=${tenant.tenantId}`,
      engine.image,
      "/bin/sh",
    );
    engine.podman("create", "--name", "foreign", "--label", "lanyard.tenant=somebody-else", engine.image, "/bin/sh");
    await put("web", {});
    await running("web");
  });
  afterAll(() => opened.disposeAsync());

  const arm = async (
    method: "GET" | "PUT" | "POST" | "PATCH" | "DELETE",
    path: string,
    json?: object,
    // oxlint-disable-next-line typescript/no-explicit-any -- answers are looked into by tests
  ): Promise<any> => {
    const answer = await tenant.arm(method, `${path}?api-version=2024-03-01`, json);
    expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
    return answer.body;
  };
  interface Wish {
    readonly command?: string;
    readonly targetPort?: number;
    readonly pin?: string;
    readonly identity?: object;
  }
  const put = (name: string, { command, targetPort = port, pin = "the-pin-is-4711", identity }: Wish) =>
    arm("PUT", `${apps}/${name}`, {
      location: "eastus",
      ...(identity === undefined ? {} : { identity }),
      properties: {
        environmentId: environment,
        configuration: {
          ingress: { external: true, targetPort },
          secrets: [{ name: "pin", value: pin }],
        },
        template: {
          containers: [
            {
              name: "main",
              image: engine.image,
              command: ["/bin/sh", "-c"],
              args: [command ?? script(targetPort)],
              env: [
                { name: "PIN", secretRef: "pin" },
                { name: "NODE_OPTIONS", value: "--no-warnings" },
              ],
              resources: { cpu: 0.25, memory: "0.5Gi" },
            },
          ],
        },
      },
    });
  const statusOf = async (name: string): Promise<string> =>
    (await arm("GET", `${apps}/${name}`)).properties.runningStatus;
  const running = (name: string) =>
    vi.waitFor(
      async () => expect(await statusOf(name), (await latest(name)).properties.runningStateDetails).toBe("Running"),
      {
        timeout: 30_000,
        interval: 200,
      },
    );
  // oxlint-disable-next-line typescript/no-explicit-any -- answers are looked into by tests
  const latest = async (name: string): Promise<any> => (await arm("GET", `${apps}/${name}/revisions`)).value.at(-1);
  /** Through the gateway, over TLS, by a client that knows nothing of Lanyard. */
  const ask = async (name: string, path: string): Promise<string> => {
    const { fqdn } = (await arm("GET", `${apps}/${name}`)).properties.configuration.ingress;
    const program = `fetch("https://${fqdn}${path}").then(async (r) => console.log(r.status + " " + await r.text()))`;
    const { code, stdout, stderr } = await tenant.run("node", ["-e", program]);
    expect(code, stderr).toBe(0);
    return stdout.trim();
  };
  const containersOf = (name: string): string[] =>
    engine
      .podman("ps", "--all", "--no-trunc", "--format", "{{.ID}} {{.Names}}")
      .split("\n")
      .filter((line) => line.includes(`-${name}-`));

  it("are reached under their production name, with their variables, secrets and place", async () => {
    const variables = await ask("web", "/env");
    expect(variables).toMatch(/^200 /);
    expect(variables).toContain("PIN=the-pin-is-4711");
    expect(variables).toContain("CONTAINER_APP_NAME=web");
    expect(variables).toContain(`CONTAINER_APP_PORT=${port}`);
    expect(variables).toMatch(/NODE_OPTIONS=--no-warnings --require=\/run\/lanyard\/edge\/hook\.cjs/);
    expect(variables).toMatch(/IDENTITY_ENDPOINT=http:\/\/127\.0\.0\.1:\d+\/msi\/token/);
    expect(variables).not.toContain("AZURE_CLIENT_SECRET");
    expect(variables).not.toContain(state);
    expect(await ask("web", "/bundle")).toContain("BEGIN CERTIFICATE");
  });

  it("have few capabilities, gain no privileges, see no engine and cannot change what they trust", async () => {
    const status = await ask("web", "/status");
    // CHOWN, DAC_OVERRIDE, FOWNER, KILL, SETGID, SETUID, NET_BIND_SERVICE
    expect(status).toMatch(/CapBnd:\s+00000000000004eb/);
    expect(status).toMatch(/NoNewPrivs:\s+1/);
    expect(await ask("web", "/run")).not.toMatch(/docker|podman\.sock/);
    expect(await ask("web", "/ca")).toContain("refused");
  });

  it("write to a log of their own", () => {
    const [folder = ""] = readdirSync(join(state, "containers"));
    const log = readFileSync(join(state, "containers", folder, "default_docker.log"), "utf8");
    expect(log).toMatch(/hello from web--\w{7}/);
    expect(log).toContain("trouble");
    expect(log).not.toContain("the-pin-is-4711");
  });

  it("have their log followed while they run", async () => {
    const { properties: app } = await arm("GET", `${apps}/web`);
    const { properties: access } = await arm("POST", `${apps}/web/getAuthtoken`);
    const replica = `${app.latestRevisionName}/replicas/${app.latestRevisionName}-0`;
    const address = `${app.eventStreamEndpoint.replace("/eventstream", "")}/revisions/${replica}/containers/main/logstream`;
    const program = `
      const answer = await fetch("${address}?follow=true&tailLines=20", { headers: { Authorization: "Bearer ${access.token}" } });
      let text = "";
      for await (const part of answer.body.pipeThrough(new TextDecoderStream())) {
        text += part;
        if (text.includes("hello") && !text.includes("server returned error"))
          fetch("https://${app.configuration.ingress.fqdn}/cgi-bin/token");
        // What the app writes because of that request arrives while the stream is open.
        if (text.includes("server returned error")) break;
      }
      console.log(text);
      process.exit();`;
    const { code, stdout, stderr } = await tenant.run("node", ["--input-type=module", "-e", program]);
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout.split("\n").find((line) => line.includes("hello")) ?? "")).toMatchObject({
      TimeStamp: expect.stringMatching(/Z$/),
      Log: `hello from ${app.latestRevisionName}`,
    });
  });

  it("get an identity without a restart or a new revision", async () => {
    const before = { containers: containersOf("web"), revision: (await latest("web")).name };
    expect(await ask("web", "/cgi-bin/token")).toContain("none");
    const { identity } = await arm("PATCH", `${apps}/web`, { identity: { type: "SystemAssigned" } });
    const token = JSON.parse((await ask("web", "/cgi-bin/token")).slice(4)) as { access_token: string };
    const claims = JSON.parse(Buffer.from(token.access_token.split(".")[1] ?? "", "base64url").toString());
    expect(claims).toMatchObject({ oid: identity.principalId, aud: "https://vault.azure.net" });
    expect({ containers: containersOf("web"), revision: (await latest("web")).name }).toEqual(before);
  });

  it("keep running when a secret changes, and see it after a restart, with a new IDENTITY_HEADER", async () => {
    const headerOf = (variables: string) => /IDENTITY_HEADER=(\w+)/.exec(variables)?.[1];
    const before = { containers: containersOf("web"), header: headerOf(await ask("web", "/env")) };
    await put("web", { pin: "0815" });
    expect(await ask("web", "/env")).toContain("PIN=the-pin-is-4711");
    expect(containersOf("web")).toEqual(before.containers);
    await arm("POST", `${apps}/web/revisions/${(await latest("web")).name}/restart`);
    await running("web");
    const after = await ask("web", "/env");
    expect(after).toContain("PIN=0815");
    expect(headerOf(after)).toMatch(/^\w{64}$/);
    expect(headerOf(after)).not.toBe(before.header);
    expect(JSON.parse((await ask("web", "/cgi-bin/token")).slice(4))).toMatchObject({ token_type: "Bearer" });
    expect(containersOf("web")).toHaveLength(1);
  });

  it("are replaced by a new revision", async () => {
    const before = containersOf("web");
    await put("web", { command: script(port, "echo second > second") });
    await running("web");
    expect(await ask("web", "/second")).toBe("200 second");
    expect(containersOf("web")).toHaveLength(1);
    expect(containersOf("web")).not.toEqual(before);
  });

  it("are started again when they end, and say so", async () => {
    await put("crash", { command: "echo going down; exit 3", targetPort: await freePort() });
    await expect
      .poll(async () => (await latest("crash")).properties, { timeout: 20_000 })
      .toMatchObject({ runningState: "Degraded", runningStateDetails: "Container main ended with code 3." });
    const replicas = async () =>
      (await arm("GET", `${apps}/crash/revisions/${(await latest("crash")).name}/replicas`)).value[0].properties
        .containers[0];
    await expect.poll(async () => (await replicas()).restartCount, { timeout: 20_000 }).toBeGreaterThan(0);
    await arm("DELETE", `${apps}/crash`);
    expect(containersOf("crash")).toEqual([]);
  });

  it("do not answer for another app that has the same port", async () => {
    await put("rival", {});
    await expect
      .poll(async () => (await latest("rival")).properties.runningStateDetails, { timeout: 20_000 })
      .toContain(`Port ${port} is taken by the container app web`);
    expect(await ask("rival", "/env")).not.toContain("PIN");
    await arm("DELETE", `${apps}/rival`);
  });

  it("end when they are stopped, and run again when started", async () => {
    expect((await arm("POST", `${apps}/web/stop`)).properties.runningStatus).toBe("Stopped");
    expect(containersOf("web")).toEqual([]);
    expect(await ask("web", "/env")).toMatch(/^404 /);
    await arm("POST", `${apps}/web/start`);
    await running("web");
    expect(await ask("web", "/second")).toBe("200 second");
  });

  it("end with the tenant, as those of its earlier life did; others' containers stay", async () => {
    await tenant.close();
    const names = engine
      .podman("ps", "--all", "--format", "{{.Names}}")
      .split("\n")
      .filter((name) => name !== "");
    expect(names).toEqual(["foreign"]);
    tenant = await startTenant({ state, containerEngine: engine.socket });
    await running("web");
    expect(await ask("web", "/second")).toBe("200 second");
    expect(tenant.failures).toEqual([]);
  });
});
