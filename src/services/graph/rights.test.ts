import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Method } from "../../kernel/message.ts";
import { startTestTenant } from "../../../test/support/tenant.ts";
import { openMemoryStore } from "../../store/memory.ts";
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

const denied = [403, "Authorization_RequestDenied"];

describe("who may write the directory", () => {
  it("is nobody without a permission, a directory role or ownership", async () => {
    const { token } = await world.appWith("Directory.Read.All");
    const { id, principalId } = await makeApp("of the developer");
    const tries: readonly [Method, string, object?][] = [
      ["POST", "/applications", { displayName: "x" }],
      ["PATCH", `/applications/${id}`, { displayName: "x" }],
      ["POST", `/applications/${id}/addPassword`, {}],
      ["POST", `/applications/${id}/owners/$ref`, reference(principalId)],
      ["DELETE", `/applications/${id}`],
      ["PATCH", `/servicePrincipals/${principalId}`, { accountEnabled: false }],
      ["POST", `/servicePrincipals/${principalId}/addPassword`, {}],
      ["DELETE", `/servicePrincipals/${principalId}`],
      ["POST", "/groups", { displayName: "g", mailNickname: "g", mailEnabled: false, securityEnabled: true }],
      ["POST", "/roleManagement/directory/roleAssignments", {}],
    ];
    for (const [method, path, json] of tries)
      expect([path, ...errorOf(await graph(method, path, json, token))]).toEqual([path, ...denied]);
  });

  it("is the developer by the directory role of who makes a tenant, on record as that", async () => {
    expect((await graph("POST", "/applications", { displayName: "recorded" })).status).toBe(201);
    expect(world.test.decisions.at(-1)?.checks[0]).toMatchObject({
      need: { name: "Application.ReadWrite.OwnedBy" },
      verdict: { allowed: true, via: "directory role Global Administrator" },
    });
  });

  it("is the developer of a state from before directory roles, but not once the role was taken away", async () => {
    const store = openMemoryStore();
    const kept = { ...store, close: () => Promise.resolve() };
    const developerIn = async (change?: object) => {
      await using opened = await startTestTenant({ store: kept });
      const { directory, info } = opened.tenant;
      const found = await directory.servicePrincipal(info.developerAppId);
      if (found === undefined) throw new Error("The developer was not seeded.");
      const { directoryRoles, ...rest } = found;
      if (change !== undefined) await directory.put({ ...rest, ...change });
      return directoryRoles;
    };
    const global = ["62e90394-69f5-4237-9190-012177145e10"];
    expect(await developerIn({})).toEqual(global);
    expect(await developerIn({ directoryRoles: [] })).toEqual(global);
    expect(await developerIn()).toEqual([]);
  });

  it("is an app for what it owns, with Application.ReadWrite.OwnedBy", async () => {
    const { token, principal } = await world.appWith("Application.ReadWrite.OwnedBy");
    const foreign = await makeApp("not its own");
    const own = await makeApp("its own", token);
    const rename = (id: string) => graph("PATCH", `/applications/${id}`, { displayName: "renamed" }, token);
    expect((await rename(own.id)).status).toBe(204);
    expect((await graph("POST", `/applications(appId='${own.appId}')/addPassword`, {}, token)).status).toBe(200);
    expect((await graph("PATCH", `/servicePrincipals/${own.principalId}`, { tags: ["a"] }, token)).status).toBe(204);
    expect(errorOf(await rename(foreign.id))).toEqual(denied);
    expect(errorOf(await graph("DELETE", `/servicePrincipals/${foreign.principalId}`, undefined, token))).toEqual(
      denied,
    );
    // A service principal for somebody else's application would be a way in.
    const { body: bare } = await graph("POST", "/applications", { displayName: "bare" });
    expect(errorOf(await graph("POST", "/servicePrincipals", { appId: bare.appId }, token))).toEqual(denied);
    await graph("POST", `/applications/${foreign.id}/owners/$ref`, reference(principal.objectId));
    expect((await rename(foreign.id)).status).toBe(204);
    await graph("DELETE", `/applications/${foreign.id}/owners/${principal.objectId}/$ref`);
    expect(errorOf(await rename(foreign.id))).toEqual(denied);
  });

  it("is no app that owns applications but lacks that permission; a group's owner needs none", async () => {
    const { token, principal } = await world.appWith();
    const { id, principalId } = await makeApp("owned");
    await graph("POST", `/applications/${id}/owners/$ref`, reference(principal.objectId));
    expect(errorOf(await graph("DELETE", `/applications/${id}`, undefined, token))).toEqual(denied);
    const group = { mailEnabled: false, securityEnabled: true };
    const owned = (await graph("POST", "/groups", { ...group, displayName: "o", mailNickname: "o" })).body.id as string;
    const other = (await graph("POST", "/groups", { ...group, displayName: "p", mailNickname: "p" })).body.id as string;
    await graph("POST", `/groups/${owned}/owners/$ref`, reference(principal.objectId));
    const add = (to: string) => graph("POST", `/groups/${to}/members/$ref`, reference(principalId), token);
    expect((await add(owned)).status).toBe(204);
    expect(errorOf(await add(other))).toEqual(denied);
  });

  it("changes with directory roles at once, without a new token", async () => {
    const { token, principal } = await world.appWith();
    const create = () => graph("POST", "/applications", { displayName: "by role" }, token);
    expect(errorOf(await create())).toEqual(denied);
    const assignments = "/roleManagement/directory/roleAssignments";
    const { body: definitions } = await graph(
      "GET",
      "/roleManagement/directory/roleDefinitions?$filter=displayName eq 'Application Developer'",
    );
    const role = { principalId: principal.objectId, roleDefinitionId: definitions.value[0].id, directoryScopeId: "/" };
    const { status, body } = await graph("POST", assignments, role);
    expect(status).toBe(201);
    expect((await create()).status).toBe(201);
    expect(errorOf(await graph("POST", assignments, role))).toEqual([400, "Request_BadRequest"]);
    const listed = await graph("GET", `${assignments}?$filter=principalId eq '${principal.objectId}'`);
    expect(listed.body.value).toMatchObject([{ id: body.id, principalId: principal.objectId }]);
    expect((await graph("DELETE", `${assignments}/${body.id}`)).status).toBe(204);
    expect(errorOf(await create())).toEqual(denied);
    // Application administrators assign no roles.
    const { token: administrator } = await world.appWith("Application.ReadWrite.All", "Group.ReadWrite.All");
    expect(errorOf(await graph("POST", assignments, role, administrator))).toEqual(denied);
  });

  it("is a user as a member, within what the app may do for it", async () => {
    const user = { kind: "User" as const, objectId: crypto.randomUUID(), displayName: "M", userPrincipalName: "m@x.y" };
    await world.test.tenant.directory.put(user);
    const token = await world.tokenFor(user, "Directory.AccessAsUser.All");
    const own = await makeApp("of a member", token);
    expect((await graph("PATCH", `/applications/${own.id}`, { notes: "mine" }, token)).status).toBe(204);
    const foreign = await makeApp("of nobody");
    expect(errorOf(await graph("PATCH", `/applications/${foreign.id}`, { notes: "mine" }, token))).toEqual(denied);
    const narrow = await world.tokenFor(user, "User.Read Application.Read.All");
    expect(errorOf(await graph("PATCH", `/applications/${own.id}`, { notes: "x" }, narrow))).toEqual(denied);
    // A scope gives an app no right that its user lacks.
    const wide = await world.tokenFor(user, "Application.ReadWrite.All");
    expect(errorOf(await graph("PATCH", `/applications/${foreign.id}`, { notes: "x" }, wide))).toEqual(denied);
  });
});
