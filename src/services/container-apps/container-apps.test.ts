import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { TestTenant } from "../../../test/support/tenant.ts";
import { container, openWorld, type World } from "./container-apps.test-support.ts";

let world: World;
let test: TestTenant;
let environment: string;
let apps: string;

beforeAll(async () => {
  world = await openWorld();
  ({ test, apps, environment } = world);
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
});
beforeEach(() => expect(test.errors).toEqual([]));

const body: World["body"] = (...given) => world.body(...given);
const put: World["put"] = (...given) => world.put(...given);
const get: World["get"] = (name) => world.get(name);
const revisions: World["revisions"] = (name) => world.revisions(name);

describe("an environment", () => {
  it("has a domain of its own and never shows its log key", async () => {
    const { body: shown } = await test.arm("GET", environment);
    expect(shown.properties.defaultDomain).toMatch(/^[a-z]+-[0-9a-f]{8}\.eastus\.azurecontainerapps\.io$/);
    expect(JSON.stringify(shown)).not.toContain("log-key");
    const again = await test.arm("PUT", environment, { location: "eastus", properties: {} });
    expect(again.body.properties.defaultDomain).toBe(shown.properties.defaultDomain);
  });

  it("is not deleted while an app stands in it", async () => {
    await put("stays", body());
    const refused = await test.arm("DELETE", environment);
    expect(refused).toMatchObject({ status: 409, body: { error: { code: "ManagedEnvironmentHasContainerApps" } } });
  });

  it("lends its domain to apps; those without external ingress are named internal", async () => {
    const { properties } = (await test.arm("GET", environment)).body;
    const outside = await put("outside", body({ configuration: { ingress: { external: true, targetPort: 8080 } } }));
    expect(outside.body.properties.configuration.ingress.fqdn).toBe(`outside.${properties.defaultDomain}`);
    const inside = await put("inside", body({ configuration: { ingress: { targetPort: 8080 } } }));
    expect(inside.body.properties.configuration.ingress.fqdn).toBe(`inside.internal.${properties.defaultDomain}`);
    expect(await get("stays")).toMatchObject({ properties: { configuration: { ingress: null } } });
  });
});

describe("revisions", () => {
  const image = (name: string, extra: object = {}) =>
    body({ template: { containers: [container({ image: name })], ...extra } });

  it("are made by a new template only; in single mode the latest alone is active", async () => {
    const made = await put("steps", image("app:1"));
    expect(made.body.properties.latestRevisionName).toMatch(/^steps--[0-9a-z]{7}$/);
    const after = await put("steps", image("app:2", { revisionSuffix: "v2" }));
    expect(after.body.properties.latestRevisionName).toBe("steps--v2");
    const all = await revisions("steps");
    expect(
      all.map((each: { properties: { active: boolean; trafficWeight: number } }) => [
        each.properties.active,
        each.properties.trafficWeight,
      ]),
    ).toEqual([
      [false, 0],
      [true, 100],
    ]);
    const taken = await put("steps", image("app:3", { revisionSuffix: "v2" }));
    expect(taken.body.error.message).toContain("Revision with suffix v2 already exists.");
    const old = await test.arm("POST", `${apps}/steps/revisions/${all[0].name}/activate`);
    expect(old.body.error.code).toBe("RevisionActivationNotAllowed");
    expect((await test.arm("POST", `${apps}/steps/revisions/steps--v2/deactivate`)).status).toBe(400);
  });

  it("share traffic in multiple mode, and are switched on and off", async () => {
    const multiple = (name: string, traffic?: object) =>
      body({
        configuration: { activeRevisionsMode: "Multiple", ingress: { external: true, targetPort: 80, traffic } },
        template: { revisionSuffix: name, containers: [container({ image: name })] },
      });
    await put("many", multiple("one"));
    await put("many", multiple("two"));
    const split = [
      { revisionName: "many--one", weight: 80 },
      { latestRevision: true, weight: 20 },
    ];
    expect((await put("many", multiple("two", split))).status).toBe(200);
    const weights = async () =>
      (await revisions("many")).map(
        (each: { name: string; properties: { trafficWeight: number; active: boolean } }) => [
          each.name,
          each.properties.active,
          each.properties.trafficWeight,
        ],
      );
    expect(await weights()).toEqual([
      ["many--one", true, 80],
      ["many--two", true, 20],
    ]);
    await test.arm("POST", `${apps}/many/revisions/many--one/deactivate`);
    expect(await weights()).toEqual([
      ["many--one", false, 0],
      ["many--two", true, 20],
    ]);
    await test.arm("POST", `${apps}/many/revisions/many--one/activate`);
    expect(await weights()).toEqual([
      ["many--one", true, 80],
      ["many--two", true, 20],
    ]);
    const wrong = await put("many", multiple("two", [{ latestRevision: true, weight: 50 }]));
    expect(wrong.status).toBe(400);
    expect((await test.arm("GET", `${apps}/many/revisions/none`)).status).toBe(404);
  });
});

describe("an app", () => {
  it("is checked before it is made", async () => {
    const refusals: [object, string][] = [
      [body({ environmentId: `${environment}x` }), "ManagedEnvironmentNotFound"],
      [body({ template: { containers: [] } }), "InvalidParameterValueInContainerTemplate"],
      [
        body({ template: { containers: [container()], scale: { minReplicas: 3, maxReplicas: 2 } } }),
        "InvalidParameterValueInContainerTemplate",
      ],
      [
        body({ template: { containers: [container()], scale: { maxReplicas: 1001 } } }),
        "InvalidParameterValueInContainerTemplate",
      ],
      [
        body({ template: { containers: [container({ resources: { cpu: 0.3, memory: "1Gi" } })] } }),
        "ContainerAppInvalidResourceTotal",
      ],
      [
        body({ template: { containers: [container()], volumes: [{ name: "v", storageType: "EmptyDir" }] } }),
        "NotImplemented",
      ],
    ];
    for (const [json, code] of refusals)
      expect((await put("checked", json)).body, code).toMatchObject({ error: { code } });
    expect((await put("Not-A-Name", body())).body.error.code).toBe("InvalidResourceName");
    expect((await test.arm("GET", `${apps}/checked`)).status).toBe(404);
  });

  it("keeps secrets that it has and no others, whatever JavaScript calls by their name", async () => {
    await put("keeper", body({ configuration: { secrets: [{ name: "one", value: "1" }] } }));
    const patch = (name: string) =>
      test.arm("PATCH", `${world.apps}/keeper`, {
        properties: { configuration: { secrets: [{ name: "one" }, { name }] } },
      });
    expect((await patch("constructor")).status).toBe(400);
    expect((await test.arm("POST", `${world.apps}/keeper/listSecrets`)).body.value).toEqual([
      { name: "one", value: "1" },
    ]);
  });

  it("takes the tokens for its log with it when it is deleted", async () => {
    const make = () => put("logged", body());
    const stream = async (token: string) => {
      const { defaultDomain } = (await test.arm("GET", world.environment)).body.properties;
      const id = `${world.apps}/logged`.replace("/providers/Microsoft.App", "");
      return test.send({
        method: "GET",
        host: defaultDomain,
        path: `${id}/revisions/r/replicas/r-0/containers/main/logstream`,
        headers: { authorization: `Bearer ${token}` },
      });
    };
    await make();
    const { properties } = (await test.arm("POST", `${world.apps}/logged/getAuthtoken`)).body;
    expect((await stream(properties.token)).status).toBe(200);
    await test.arm("DELETE", `${world.apps}/logged`);
    await make();
    expect((await stream(properties.token)).status).toBe(401);
  });

  it("does not pretend to run without a container engine", async () => {
    await put("idle", body({ configuration: { ingress: { external: true, targetPort: 8080 } } }));
    await expect.poll(async () => (await get("idle")).properties.runningStatus).toBe("Suspended");
    const [revision] = await revisions("idle");
    expect(revision.properties).toMatchObject({ runningState: "Failed", replicas: 0, healthState: "Unhealthy" });
    expect(revision.properties.runningStateDetails).toContain("lanyard run --as idle -- COMMAND");
    const { fqdn } = (await get("idle")).properties.configuration.ingress;
    const answer = await test.send({ method: "GET", host: fqdn, path: "/" });
    expect(answer).toMatchObject({
      status: 503,
      headers: { "x-lanyard-hint": expect.stringContaining("lanyard run") },
    });
  });

  it("is stopped and started, which answers with the app", async () => {
    await put("pauses", body({ configuration: { ingress: { external: true, targetPort: 8080 } } }));
    const stopped = await test.arm("POST", `${apps}/pauses/stop`);
    expect(stopped.body).toMatchObject({ name: "pauses", properties: { runningStatus: "Stopped" } });
    const { fqdn } = stopped.body.properties.configuration.ingress;
    expect((await test.send({ method: "GET", host: fqdn, path: "/" })).status).toBe(404);
    const started = await test.arm("POST", `${apps}/pauses/start`);
    expect(started.body.properties.runningStatus).not.toBe("Stopped");
  });

  it("completes a CORS policy, which crashes clients without its list", async () => {
    const made = await put("cors", body({ configuration: { ingress: { external: true, corsPolicy: { maxAge: 5 } } } }));
    expect(made.body.properties.configuration.ingress.corsPolicy).toEqual({ allowedOrigins: [], maxAge: 5 });
  });

  it("leaves its environment's group with it, identities and secrets included", async () => {
    const other = `/subscriptions/${test.tenant.info.subscriptionId}/resourceGroups/gone`;
    await test.arm("PUT", other, { location: "eastus" });
    const { body: env } = await test.arm("PUT", `${other}/providers/Microsoft.App/managedEnvironments/env`, {
      location: "eastus",
      properties: {},
    });
    const app = `${other}/providers/Microsoft.App/containerApps/leaf`;
    const made = await test.arm("PUT", app, {
      ...body({ environmentId: env.id }),
      identity: { type: "SystemAssigned" },
    });
    const secret = await test.tenant.secrets.of(app);
    expect((await test.arm("DELETE", other)).status).toBe(202);
    await expect.poll(async () => (await test.arm("GET", other)).status).toBe(404);
    expect(await test.tenant.directory.principal(made.body.identity.principalId)).toBeUndefined();
    expect(test.tenant.secrets.resourceOf(secret)).toBeUndefined();
  });
});
