/** Application permissions of Microsoft Graph: granted, carried by the next token, and taken back. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { makeIdentity } from "../../../test/support/identities.ts";
import { graphAppId } from "../../identity/graph-resource.ts";
import { errorOf, type GraphWorld, openGraph } from "./graph.test-support.ts";

let world: GraphWorld;
let graph: GraphWorld["graph"];
let graphId: string;
const userReadAll = "df021288-bdef-4463-88db-98f22de89214";
beforeAll(async () => {
  world = await openGraph();
  ({ graph } = world);
  graphId = (await graph("GET", `/servicePrincipals(appId='${graphAppId}')`)).body.id as string;
});
afterAll(async () => {
  expect(world.test.errors).toEqual([]);
  await world[Symbol.asyncDispose]();
});

const tokenOf = async (objectId: string): Promise<string> => {
  const principal = await world.test.tenant.directory.principal(objectId);
  if (principal?.kind !== "ServicePrincipal") throw new Error("gone");
  return world.tokenOf(principal);
};

it("shows Microsoft Graph among the service principals, with the permissions that mean something here", async () => {
  const { body } = await graph("GET", `/servicePrincipals?$filter=appId eq '${graphAppId}'`);
  expect(body.value).toMatchObject([{ id: graphId, displayName: "Microsoft Graph" }]);
  expect(body.value[0].appRoles).toContainEqual(expect.objectContaining({ id: userReadAll, value: "User.Read.All" }));
  expect((await graph("GET", `/servicePrincipals/${graphId}`)).body.id).toBe(graphId);
});

it("gives a managed identity a permission with its next token, and takes it back", async () => {
  const { principalId } = await makeIdentity(world.test, "reader");
  const before = await tokenOf(principalId);
  const users = async (token: string) => (await graph("GET", "/users", undefined, token)).status;
  expect(await users(before)).toBe(403);
  const assignments = `/servicePrincipals/${principalId}/appRoleAssignments`;
  const grant = { principalId, resourceId: graphId, appRoleId: userReadAll };
  const made = await graph("POST", assignments, grant);
  expect([made.status, made.body]).toMatchObject([201, { ...grant, resourceDisplayName: "Microsoft Graph" }]);
  expect(await users(before)).toBe(403);
  expect(await users(await tokenOf(principalId))).toBe(200);
  expect((await graph("GET", assignments)).body.value).toMatchObject([{ id: made.body.id, ...grant }]);
  const again = await graph("POST", assignments, grant);
  expect(again.body.error.message).toBe("Permission being assigned already exists on the object");
  const assigned = (await graph("GET", `/servicePrincipals/${graphId}/appRoleAssignedTo`)).body.value;
  expect(assigned.map((each: { principalId: string }) => each.principalId)).toContain(principalId);
  expect((await graph("DELETE", `${assignments}/${made.body.id}`)).status).toBe(204);
  expect(await users(await tokenOf(principalId))).toBe(403);
  expect((await graph("DELETE", `${assignments}/${made.body.id}`)).status).toBe(404);
});

it("is done by nobody without AppRoleAssignment.ReadWrite.All, which administrators of applications lack", async () => {
  const { principalId } = await world.makeApp("wanting");
  const path = `/servicePrincipals/${graphId}/appRoleAssignedTo`;
  const grant = { principalId, resourceId: graphId, appRoleId: userReadAll };
  const { token } = await world.appWith("Application.ReadWrite.All", "Directory.ReadWrite.All");
  expect(errorOf(await graph("POST", path, grant, token))).toEqual([403, "Authorization_RequestDenied"]);
  const administrator = await world.appWith("AppRoleAssignment.ReadWrite.All");
  expect((await graph("POST", path, grant, administrator.token)).status).toBe(201);
});

it("refuses other resources and permissions, and addresses that say something else than the body", async () => {
  const [one, two] = [await world.makeApp("one"), await world.makeApp("two")];
  const path = `/servicePrincipals/${one.principalId}/appRoleAssignments`;
  const grant = { principalId: one.principalId, resourceId: graphId, appRoleId: userReadAll };
  expect((await graph("POST", path, { ...grant, resourceId: two.principalId })).status).toBe(501);
  for (const change of [{ principalId: two.principalId }, { appRoleId: crypto.randomUUID() }, { appRoleId: 5 }])
    expect(errorOf(await graph("POST", path, { ...grant, ...change }))).toEqual([400, "Request_BadRequest"]);
  const { body } = await graph("POST", path, grant);
  const elsewhere = `/servicePrincipals/${two.principalId}/appRoleAssignments/${body.id}`;
  expect((await graph("DELETE", elsewhere)).status).toBe(404);
});
