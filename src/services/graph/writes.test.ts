import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeIdentity } from "../../../test/support/identities.ts";
import type { Method } from "../../kernel/message.ts";
import { openSqliteStore } from "../../store/sqlite/store.ts";
import { errorOf, type GraphWorld, openGraph, reference } from "./graph.test-support.ts";

let world: GraphWorld;
let graph: GraphWorld["graph"];
let makeApp: GraphWorld["makeApp"];
beforeAll(async () => {
  world = await openGraph();
  ({ graph, makeApp } = world);
});
afterAll(async () => {
  expect(world.test.errors).toEqual([]);
  await world[Symbol.asyncDispose]();
});

const addPassword = async (path: string, passwordCredential?: object) =>
  (await graph("POST", `${path}/addPassword`, { passwordCredential })).body;

const signIn = (appId: string, { secretText }: { readonly secretText: string }) =>
  world.signIn(appId, { client_secret: secretText });

describe("applications and service principals", () => {
  it("sign in with what they were given, until it is taken away or over", async () => {
    const { id, appId, principalId } = await makeApp("signs in");
    const first = await addPassword(`/applications/${id}`, { displayName: "first" });
    expect(first).toMatchObject({ displayName: "first", hint: first.secretText.slice(0, 3) });
    expect(first.secretText).toMatch(/^[\w-]{3}8Q~[\w-]{34}$/);
    const second = await addPassword(`/servicePrincipals/${principalId}`);
    expect([await signIn(appId, first), await signIn(appId, second)]).toEqual([200, 200]);
    const shown = (await graph("GET", `/applications/${id}`)).body.passwordCredentials;
    expect(shown).toMatchObject([{ keyId: first.keyId, secretText: null }]);
    expect((await graph("GET", `/servicePrincipals/${principalId}`)).body.passwordCredentials).toHaveLength(1);
    await graph("POST", `/applications/${id}/removePassword`, { keyId: first.keyId });
    expect(await signIn(appId, first)).toBe(7000215);
    await graph("PATCH", `/servicePrincipals/${principalId}`, { accountEnabled: false });
    expect(await signIn(appId, second)).toBe(7000112);
    await graph("PATCH", `/servicePrincipals/${principalId}`, { accountEnabled: true });
    expect(await signIn(appId, second)).toBe(200);
    world.test.advance(3 * 365 * 86_400_000);
    expect(await signIn(appId, second)).toBe(7000222);
    world.test.advance(-3 * 365 * 86_400_000);
    await graph("DELETE", `/servicePrincipals/${principalId}`);
    expect(await signIn(appId, second)).toBe(7000229);
    await graph("DELETE", `/applications/${id}`);
    expect(await signIn(appId, second)).toBe(700016);
  });

  it("go together when the application is deleted", async () => {
    const { id, principalId } = await makeApp("goes");
    expect((await graph("DELETE", `/applications/${id}`)).status).toBe(204);
    for (const path of [`/applications/${id}`, `/servicePrincipals/${principalId}`])
      expect(errorOf(await graph("GET", path))).toEqual([404, "Request_ResourceNotFound"]);
  });

  it("can be given roles in Azure, and see the subscription by a role on one group", async () => {
    const { principalId, appId } = await makeApp("has a role");
    const { test } = world;
    const group = `/subscriptions/${test.tenant.info.subscriptionId}/resourceGroups/roles`;
    await test.arm("PUT", group, { location: "eastus" });
    const principal = await test.tenant.directory.servicePrincipal(appId);
    if (principal === undefined) throw new Error("gone");
    const { token } = await test.tenant.issuer.issue({
      principal,
      audience: "https://management.azure.com",
      proof: "secret",
    });
    const subscriptions = async () => (await test.arm("GET", "/subscriptions", undefined, token)).body.value.length;
    expect(await subscriptions()).toBe(0);
    const made = await test.arm(
      "PUT",
      `${group}/providers/Microsoft.Authorization/roleAssignments/${crypto.randomUUID()}`,
      {
        properties: {
          roleDefinitionId: `/subscriptions/${test.tenant.info.subscriptionId}/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7`,
          principalId,
        },
      },
    );
    expect(made.status).toBe(201);
    expect(await subscriptions()).toBe(1);
  });

  it("keep every one of many credentials written at once, and have one service principal", async () => {
    const { body: app } = await graph("POST", "/applications", { displayName: "busy" });
    const made = await Promise.all(
      Array.from({ length: 20 }, () => graph("POST", "/servicePrincipals", { appId: app.appId })),
    );
    expect(made.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(made.filter(({ status }) => status === 409)).toHaveLength(19);
    await Promise.all(Array.from({ length: 20 }, () => addPassword(`/applications/${app.id}`)));
    expect((await graph("GET", `/applications/${app.id}`)).body.passwordCredentials).toHaveLength(20);
  });

  it("keep settings as given, and take identifier URIs that nobody has", async () => {
    const { id, principalId } = await makeApp("settings");
    const uris = ["api://settings"];
    const change = {
      identifierUris: uris,
      web: { redirectUris: ["https://localhost/x"] },
      tags: ["t"],
      displayName: "new",
    };
    expect((await graph("PATCH", `/applications/${id}`, change)).status).toBe(204);
    expect((await graph("GET", `/applications/${id}`)).body).toMatchObject(change);
    const principal = (await graph("GET", `/servicePrincipals/${principalId}`)).body;
    expect(principal).toMatchObject({ displayName: "new", servicePrincipalNames: [principal.appId, ...uris] });
    const taken = await graph("POST", "/applications", { displayName: "x", identifierUris: uris });
    expect(taken.body.error.message).toContain("identifierUris already exists");
  });

  it("can be asked for as a resource, by app id and identifier URI, once they have a service principal", async () => {
    const { id, appId, principalId } = await makeApp("api");
    await graph("PATCH", `/applications/${id}`, { identifierUris: ["api://an-api"] });
    const { tenant } = world.test;
    const { developerAppId, tenantId } = tenant.info;
    const secret = (await tenant.directory.application(developerAppId))?.secrets[0]?.value ?? "";
    const audience = async (resource: string): Promise<unknown> => {
      const { body } = await world.test.send({
        method: "POST",
        host: "login.microsoftonline.com",
        path: `/${tenantId}/oauth2/v2.0/token`,
        form: {
          grant_type: "client_credentials",
          client_id: developerAppId,
          client_secret: secret,
          scope: `${resource}/.default`,
        },
      });
      if (body.access_token === undefined) return body.error_codes[0];
      return decodeJwt(body.access_token as string).aud;
    };
    expect(await audience("api://an-api")).toBe("api://an-api");
    expect(await audience(appId)).toBe(appId);
    expect(await audience("api://another")).toBe(500011);
    await graph("DELETE", `/servicePrincipals/${principalId}`);
    expect(await audience("api://an-api")).toBe(500011);
  });

  it("refuse what cannot be, in Graph's shape", async () => {
    const { id } = await makeApp("strict");
    const managed = `/servicePrincipals/${(await makeIdentity(world.test, "managed")).principalId}`;
    const tries: readonly [Method, string, unknown][] = [
      ["POST", "/applications", {}],
      ["POST", "/applications", []],
      ["POST", "/applications", { displayName: 5 }],
      ["POST", "/applications", { displayName: "" }],
      ["POST", "/applications", { displayName: "x".repeat(257) }],
      ["POST", "/applications", { displayName: "x", nonsense: 1 }],
      ["POST", "/applications", { displayName: "x", owners: ["y"] }],
      ["POST", "/applications", { displayName: "x", identifierUris: ["no uri"] }],
      ["POST", "/applications", { displayName: "x", passwordCredentials: [{ displayName: "p" }] }],
      [
        "POST",
        "/applications",
        { displayName: "x", keyCredentials: [{ type: "AsymmetricX509Cert", usage: "Verify", key: "AAAA" }] },
      ],
      [
        "POST",
        "/applications",
        { displayName: "x", keyCredentials: [{ type: "Symmetric", usage: "Sign", key: "AAAA" }] },
      ],
      ["PATCH", `/applications/${id}`, { keyCredentials: [null] }],
      ["POST", `/applications/${id}/addPassword`, { passwordCredential: { endDateTime: "yesterday" } }],
      ["POST", `/applications/${id}/addPassword`, { passwordCredential: { endDateTime: "2001-01-01T00:00:00Z" } }],
      ["POST", `/applications/${id}/removePassword`, { keyId: crypto.randomUUID() }],
      ["POST", "/servicePrincipals", { appId: crypto.randomUUID() }],
      ["POST", `${managed}/addPassword`, {}],
      ["PATCH", managed, { accountEnabled: false }],
      ["DELETE", managed, undefined],
    ];
    for (const [method, path, json] of tries)
      expect([JSON.stringify(json), ...errorOf(await graph(method, path, json))]).toEqual([
        JSON.stringify(json),
        400,
        "Request_BadRequest",
      ]);
  });
});

describe("federated identity credentials", () => {
  const credential = {
    name: "main",
    issuer: "https://issuer.example",
    subject: "s",
    audiences: ["api://AzureADTokenExchange"],
  };

  it("are made, listed, changed and deleted, by name and by id", async () => {
    const { id } = await makeApp("federated");
    const path = `/applications/${id}/federatedIdentityCredentials`;
    const { status, body } = await graph("POST", path, { ...credential, description: "d" });
    expect([status, body]).toMatchObject([201, { ...credential, description: "d" }]);
    expect((await graph("GET", path)).body.value).toMatchObject([credential]);
    expect((await graph("PATCH", `${path}/${body.id}`, { subject: "t" })).status).toBe(204);
    expect((await graph("GET", `${path}/main`)).body).toMatchObject({ id: body.id, subject: "t" });
    expect((await graph("DELETE", `${path}/main`)).status).toBe(204);
    expect(errorOf(await graph("GET", `${path}/main`))).toEqual([404, "Request_ResourceNotFound"]);
  });

  it("sign the application in with a token of the issuer's", async () => {
    const { id, appId } = await makeApp("workload");
    const { issuer } = world.test.tenant.workloads;
    const subject = "system:serviceaccount:lanyard:app";
    await graph("POST", `/applications/${id}/federatedIdentityCredentials`, {
      ...credential,
      issuer: issuer.issuer,
      subject,
    });
    const exchange = async (of: string) =>
      world.signIn(appId, {
        client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        client_assertion: (await issuer.token(of)).token,
      });
    expect(await exchange(subject)).toBe(200);
    expect(await exchange("system:serviceaccount:lanyard:other")).toBe(700213);
  });

  it("are unique in name, and in issuer and subject, and 20 at most", async () => {
    const { id } = await makeApp("many");
    const post = (change: object) =>
      graph("POST", `/applications/${id}/federatedIdentityCredentials`, { ...credential, ...change });
    expect((await post({})).status).toBe(201);
    for (const change of [{ subject: "other" }, { name: "other" }])
      expect(errorOf(await post(change))).toEqual([409, "Request_MultipleObjectsWithSameKeyValue"]);
    for (const change of [{ issuer: "http://x" }, { audiences: ["a", "b"] }, { name: "a b" }, { subject: "" }])
      expect(errorOf(await post({ name: "new", subject: "new", ...change }))).toEqual([400, "Request_BadRequest"]);
    const more = Array.from({ length: 30 }, (_, index) => post({ name: `more-${index}`, subject: `${index}` }));
    expect((await Promise.all(more)).filter(({ status }) => status === 201)).toHaveLength(19);
  });
});

describe("groups", () => {
  it("have members, which are in the tokens of these", async () => {
    const { principalId } = await makeApp("member");
    const named = {
      displayName: "devs",
      mailNickname: "devs",
      mailEnabled: false,
      securityEnabled: true,
      description: "d",
    };
    const { status, body: group } = await graph("POST", "/groups", named);
    expect([status, group]).toMatchObject([201, named]);
    const members = `/groups/${group.id}/members`;
    expect((await graph("POST", `${members}/$ref`, reference(principalId))).status).toBe(204);
    expect((await graph("POST", `${members}/$ref`, reference(principalId))).body.error.message).toContain(
      "One or more added object references already exist",
    );
    const check = await graph("POST", `/directoryObjects/${principalId}/checkMemberGroups`, { groupIds: [group.id] });
    expect(check.body.value).toEqual([group.id]);
    const principal = await world.test.tenant.directory.principal(principalId);
    if (principal?.kind !== "ServicePrincipal") throw new Error("gone");
    const claims = JSON.parse(
      Buffer.from((await world.tokenOf(principal)).split(".")[1] ?? "", "base64url").toString(),
    );
    expect(claims.groups).toEqual([group.id]);
    expect((await graph("DELETE", `${members}/${principalId}/$ref`)).status).toBe(204);
    expect((await graph("GET", members)).body.value).toEqual([]);
    expect(errorOf(await graph("DELETE", `${members}/${principalId}/$ref`))).toEqual([404, "Request_ResourceNotFound"]);
    expect((await graph("PATCH", `/groups/${group.id}`, { displayName: "team" })).status).toBe(204);
    expect((await graph("DELETE", `/groups/${group.id}`)).status).toBe(204);
  });

  it("are plain security groups; others are refused by name", async () => {
    for (const kind of [{ mailEnabled: true }, { groupTypes: ["Unified"] }, { securityEnabled: false }]) {
      const answer = await graph("POST", "/groups", {
        displayName: "x",
        mailNickname: "x",
        securityEnabled: true,
        ...kind,
      });
      expect(errorOf(answer)).toEqual([501, "NotImplemented"]);
    }
  });
});

it("survives a restart, secrets sealed", async () => {
  const folder = await mkdtemp(join(tmpdir(), "lanyard-directory-"));
  const open = () => openGraph({ store: openSqliteStore({ directory: folder, key: Buffer.alloc(32, 1) }) });
  const before = await open();
  const { appId, principalId } = await before.makeApp("kept");
  const made = await before.graph("POST", `/servicePrincipals/${principalId}/addPassword`, {});
  const secret = String(made.body.secretText);
  await before[Symbol.asyncDispose]();
  const files = (await readdir(folder, { withFileTypes: true, recursive: true })).filter((each) => each.isFile());
  for (const file of files) expect((await readFile(join(file.parentPath, file.name))).includes(secret)).toBe(false);
  const after = await open();
  expect(await after.signIn(appId, { client_secret: secret })).toBe(200);
  await after[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});
