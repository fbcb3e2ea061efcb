import { AuthorizationManagementClient } from "@azure/arm-authorization";
import { expect, it } from "vitest";
import { builtInRole } from "../../access/built-in-roles/all.ts";
import type { Method } from "../../kernel/message.ts";
import { startAuthorization, type TestAuthorization } from "./authorization.test-support.ts";

type ClientOptions = NonNullable<ConstructorParameters<typeof AuthorizationManagementClient>[2]>;
type HttpClient = NonNullable<ClientOptions["httpClient"]>;

/** The client's requests go straight into the kernel: the unmodified SDK, no network. */
const httpClient = (arm: TestAuthorization): HttpClient => ({
  sendRequest: async (request) => {
    const url = new URL(request.url);
    const json: unknown = typeof request.body === "string" ? JSON.parse(request.body) : undefined;
    const answer = await arm.send(request.method as Method, url.pathname + url.search, json);
    const headers = Object.assign(request.headers, {});
    return { request, headers, status: answer.status, bodyAsText: JSON.stringify(answer.body ?? "") };
  },
});

it("Microsoft's client writes, lists and deletes role assignments and custom roles", async () => {
  const arm = await startAuthorization();
  const credential = { getToken: () => Promise.resolve({ token: "t", expiresOnTimestamp: Date.now() + 3_600_000 }) };
  const client = new AuthorizationManagementClient(credential, arm.info.subscriptionId, {
    httpClient: httpClient(arm),
  });
  const app = await arm.principal("app");
  await arm.send("PUT", `${arm.subscription}/resourceGroups/rg1`, { location: "eastus" });
  const scope = `${arm.subscription}/resourceGroups/rg1`;

  const found = [];
  const filter = "roleName eq 'Storage Blob Data Contributor'";
  for await (const role of client.roleDefinitions.list(scope, { filter })) found.push(role);
  expect(found.map((role) => role.name)).toEqual([builtInRole("Storage Blob Data Contributor").name]);

  const name = crypto.randomUUID();
  const created = await client.roleAssignments.create(scope, name, {
    roleDefinitionId: found[0]?.id ?? "",
    principalId: app,
    principalType: "ServicePrincipal",
  });
  expect(created).toMatchObject({ name, principalId: app, scope });
  const listed = [];
  for await (const each of client.roleAssignments.listForScope(scope, { filter: `principalId eq '${app}'` }))
    listed.push(each);
  expect(listed.map((each) => each.name)).toEqual([name]);
  const again = client.roleAssignments.create(scope, crypto.randomUUID(), {
    roleDefinitionId: found[0]?.id ?? "",
    principalId: app,
  });
  await expect(again).rejects.toMatchObject({ statusCode: 409, code: "RoleAssignmentExists" });
  expect((await client.roleAssignments.getById(created.id ?? "")).name).toBe(name);
  expect((await client.roleAssignments.delete(scope, name)).name).toBe(name);

  const role = await client.roleDefinitions.createOrUpdate(arm.subscription, crypto.randomUUID(), {
    roleName: "Reader of sites",
    permissions: [{ actions: ["Microsoft.Web/sites/read"] }],
    assignableScopes: [arm.subscription],
  });
  expect(role.roleType).toBe("CustomRole");
  expect((await client.roleDefinitions.delete(arm.subscription, role.name ?? "")).name).toBe(role.name);
});
