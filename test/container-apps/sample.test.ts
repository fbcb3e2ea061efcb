/** samples/container-app-token as a process of this machine that runs as a container app. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startTenant, type TestTenant } from "../../src/testing/start-tenant.ts";
import { root } from "../support/source.ts";

interface Outcome {
  readonly ok: boolean;
  readonly error?: string;
  readonly claims: {
    readonly objectId: string;
    readonly clientId: string;
    readonly audience: string;
    readonly resource: string;
  };
}
type Comparison = readonly {
  readonly identity: string;
  readonly ways: Readonly<Record<"HTTP GET" | "SDK", Outcome>>;
}[];

let tenant: TestTenant;
let app: ChildProcess;
let address: string;
let id: string;
let userAssigned: { principalId: string; clientId: string };

// oxlint-disable-next-line typescript/no-explicit-any -- answers are looked into by tests
const arm = async (method: "PUT" | "PATCH", path: string, json: object): Promise<any> => {
  const answer = await tenant.arm(method, `${path}?api-version=2024-03-01`, json);
  expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
  return answer.body;
};

beforeAll(async () => {
  tenant = await startTenant({ containerEngine: "off" });
  const group = `/subscriptions/${tenant.subscriptionId}/resourceGroups/sample`;
  await arm("PUT", group, { location: "eastus" });
  const identity = await arm("PUT", `${group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/shared`, {
    location: "eastus",
  });
  userAssigned = identity.properties;
  const environment = await arm("PUT", `${group}/providers/Microsoft.App/managedEnvironments/env`, {
    location: "eastus",
    properties: {},
  });
  id = `${group}/providers/Microsoft.App/containerApps/container-app-token`;
  await arm("PUT", id, {
    location: "eastus",
    identity: { type: "UserAssigned", userAssignedIdentities: { [identity.id]: {} } },
    properties: { environmentId: environment.id, template: { containers: [{ name: "app", image: "sample" }] } },
  });
  app = spawn(process.execPath, [join(root, "samples", "container-app-token", "src", "server.ts")], {
    env: {
      ...(await tenant.environment({ as: "container-app-token", command: "node" })),
      PORT: "0",
      USER_ASSIGNED_CLIENT_ID: userAssigned.clientId,
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (app.stdout === null) throw new Error("no output");
  for await (const line of createInterface(app.stdout)) {
    const { event, port } = JSON.parse(line) as { event: string; port: number };
    if (event === "listening") {
      address = `http://127.0.0.1:${port}`;
      break;
    }
  }
});
afterAll(async () => {
  app.kill("SIGKILL");
  if (app.exitCode === null && app.signalCode === null) await once(app, "exit");
  await tenant.close();
});

const tokens = async (): Promise<Comparison> => (await fetch(`${address}/tokens`)).json() as Promise<Comparison>;

it("gets the user-assigned identity's token in both ways, and is told that there is no system-assigned one", async () => {
  const [system, user] = await tokens();
  for (const way of ["HTTP GET", "SDK"] as const) {
    expect(user?.ways[way]).toMatchObject({
      ok: true,
      claims: {
        objectId: userAssigned.principalId,
        clientId: userAssigned.clientId,
        audience: "https://vault.azure.net",
      },
    });
    expect(system?.ways[way]).toMatchObject({ ok: false, error: expect.stringMatching(/identity/i) });
  }
});

it("gets the system-assigned one's as soon as the app has it, without a restart", async () => {
  const { identity } = await arm("PATCH", id, {
    location: "eastus",
    identity: { type: "SystemAssigned,UserAssigned" },
  });
  const [system, user] = await tokens();
  for (const way of ["HTTP GET", "SDK"] as const) {
    expect(system?.ways[way]).toMatchObject({ ok: true, claims: { objectId: identity.principalId } });
    expect(system?.ways[way].claims.resource.toLowerCase()).toBe(id.toLowerCase());
    expect(user?.ways[way].claims.objectId).toBe(userAssigned.principalId);
  }
});

it("never shows or logs a token", async () => {
  const page = await (await fetch(`${address}/`)).text();
  expect(page).toContain(userAssigned.principalId);
  expect(page).not.toMatch(/eyJ[\w-]+\.eyJ/);
});

it("passes its own tests, the deploy script's included", async () => {
  const sample = join(root, "samples", "container-app-token");
  const files = ["src/app.test.ts", "src/raw-token.test.ts", "deploy/deploy.test.ts"].map((file) => join(sample, file));
  const { code, stdout } = await tenant.run("node", ["--test", ...files]);
  expect(code, stdout).toBe(0);
});
