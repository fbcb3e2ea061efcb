import { beforeEach, describe, expect, it } from "vitest";
import { builtInRole } from "../../access/built-in-roles/all.ts";
import { undashed } from "../../access/definitions.ts";
import { startAuthorization, type TestAuthorization } from "./authorization.test-support.ts";

const provider = "providers/Microsoft.Authorization";
const guid = (): string => crypto.randomUUID();

let arm: TestAuthorization;
let group: string;
let app: string;
beforeEach(async () => {
  arm = await startAuthorization();
  group = `${arm.subscription}/resourceGroups/rg1`;
  app = await arm.principal("app");
  expect((await arm.send("PUT", group, { location: "eastus" })).status).toBe(201);
});
const codeOf = (answer: { readonly status: number; readonly body: { error: { code: string } } }): string =>
  `${answer.status} ${answer.body.error.code}`;
const body = (role: string, principalId: string, extra: object = {}): object => ({
  properties: { roleDefinitionId: builtInRole(role).name, principalId, ...extra },
});

describe("role assignments", () => {
  it("are created, shown, take effect at once, and go with DELETE", async () => {
    expect(codeOf(await arm.send("GET", group, undefined, app))).toBe("403 AuthorizationFailed");
    const name = guid();
    const path = `/${group}/${provider}/roleAssignments/${name}`;
    const created = await arm.send("PUT", path, body("Reader", app, { principalType: "ServicePrincipal" }));
    expect(created).toMatchObject({
      status: 201,
      body: {
        id: `${group}/${provider}/roleAssignments/${name}`,
        name,
        type: "Microsoft.Authorization/roleAssignments",
        properties: {
          scope: group,
          principalId: app,
          principalType: "ServicePrincipal",
          roleDefinitionId: `${arm.subscription}/${provider}/roleDefinitions/${builtInRole("Reader").name}`,
          condition: null,
        },
      },
    });
    expect((await arm.send("GET", path)).body).toEqual(created.body);
    expect((await arm.send("GET", group, undefined, app)).status).toBe(200);
    expect(await arm.send("DELETE", path)).toMatchObject({ status: 200, body: created.body });
    expect((await arm.send("DELETE", path)).status).toBe(204);
    expect((await arm.send("GET", path)).status).toBe(404);
    expect((await arm.send("GET", group, undefined, app)).status).toBe(403);
  });
  it("survive a restart", async () => {
    await arm.assign("Reader", app, group);
    const again = await startAuthorization(arm.store);
    expect((await again.send("GET", group, undefined, app)).status).toBe(200);
  });
  it("need the caller's right to write them, and the refusal says what is missing", async () => {
    await arm.assign("Contributor", app, group);
    const refused = await arm.assign("Owner", app, group, {}, app);
    expect(codeOf(refused)).toBe("403 AuthorizationFailed");
    expect(refused.body.error.message).toContain(
      `'Microsoft.Authorization/roleAssignments/write' over scope '${group}/${provider}`,
    );
    expect(refused.hint).toContain("Role Based Access Control Administrator");
    expect((await arm.send("GET", `${group}/${provider}/roleAssignments`, undefined, null)).status).toBe(401);
  });
  it("exist once per scope, principal and role; the same PUT again is no conflict", async () => {
    const path = `${group}/${provider}/roleAssignments/${guid()}`;
    const first = await arm.send("PUT", path, body("Reader", app));
    expect((await arm.send("PUT", path, body("Reader", app))).status).toBe(201);
    const twin = await arm.assign("Reader", app, group);
    expect(codeOf(twin)).toBe("409 RoleAssignmentExists");
    expect(twin.body.error.message).toBe(
      `The role assignment already exists. The ID of the existing role assignment is ${undashed(first.body.name)}.`,
    );
  });
  it("cannot change scope, principal or role, but description and condition", async () => {
    const name = guid();
    const path = `${group}/${provider}/roleAssignments/${name}`;
    await arm.send("PUT", path, body("Reader", app));
    const elsewhere = `${arm.subscription}/${provider}/roleAssignments/${name}`;
    expect(codeOf(await arm.send("PUT", elsewhere, body("Reader", app)))).toBe("400 RoleAssignmentUpdateNotPermitted");
    expect(codeOf(await arm.send("PUT", path, body("Owner", app)))).toBe("400 RoleAssignmentUpdateNotPermitted");
    const changed = await arm.send("PUT", path, body("Reader", app, { description: "why" }));
    expect(changed).toMatchObject({ status: 201, body: { properties: { description: "why" } } });
  });
  it("are found only at their own scope: a right elsewhere opens none", async () => {
    const { body: created } = await arm.assign("Reader", app, group);
    const other = await arm.principal("other");
    expect((await arm.send("PUT", `${arm.subscription}/resourceGroups/rg2`, { location: "eastus" })).status).toBe(201);
    await arm.assign("Owner", other, `${arm.subscription}/resourceGroups/rg2`);
    const path = `${arm.subscription}/resourceGroups/rg2/${provider}/roleAssignments/${created.name}`;
    expect((await arm.send("DELETE", path, undefined, other)).status).toBe(204);
    expect((await arm.send("GET", path, undefined, other)).status).toBe(404);
    expect((await arm.send("GET", group, undefined, app)).status).toBe(200);
  });
  it("refuse unknown principals unless their type is given, and wrong types", async () => {
    const unknown = guid();
    const refused = await arm.assign("Reader", unknown, group);
    expect(codeOf(refused)).toBe("400 PrincipalNotFound");
    expect(refused.body.error.message).toContain(
      `Principal ${undashed(unknown)} does not exist in the directory ${arm.info.tenantId}.`,
    );
    expect((await arm.assign("Reader", unknown, group, { principalType: "ServicePrincipal" })).status).toBe(201);
    const wrong = await arm.assign("Reader", app, group, { principalType: "User" });
    expect(wrong.body.error.message).toBe(
      `The PrincipalId '${undashed(app)}' has type 'ServicePrincipal' , which is different from specified PrinciaplType 'User'.`,
    );
  });
  it.each([
    ["InvalidPrincipalId", { principalId: "bob" }],
    ["InvalidPrincipalId", { principalId: "" }],
    ["InvalidRoleDefinitionId", { roleDefinitionId: "Reader" }],
    ["RoleDefinitionDoesNotExist", { roleDefinitionId: "00000000-1111-2222-3333-444444444444" }],
    ["InvalidRoleAssignmentCondition", { condition: "1 NumericEquals" }],
    ["InvalidConditionVersion", { condition: "1 NumericEquals 1", conditionVersion: "1.0" }],
  ])("refuse bad input with %s", async (code, extra) => {
    expect(codeOf(await arm.assign("Reader", app, group, extra))).toBe(`400 ${code}`);
  });
  it("refuse names that are no GUID, bodies that are no object, and scopes that do not exist", async () => {
    expect(codeOf(await arm.send("PUT", `${group}/${provider}/roleAssignments/mine`, body("Reader", app)))).toBe(
      "400 InvalidRoleAssignmentId",
    );
    expect(codeOf(await arm.send("PUT", `${group}/${provider}/roleAssignments/${guid()}`, []))).toBe(
      "400 BadRequestFormat",
    );
    expect(codeOf(await arm.assign("Reader", app, `${arm.subscription}/resourceGroups/none`))).toBe(
      "404 ResourceGroupNotFound",
    );
    expect(codeOf(await arm.assign("Reader", app, `${group}/providers/Microsoft.Storage/storageAccounts/none`))).toBe(
      "404 ResourceNotFound",
    );
  });
  it("a delegated administrator assigns the roles of its condition and no others", async () => {
    const admin = await arm.principal("admin");
    const reader = builtInRole("Reader").name;
    const type = "Microsoft.Authorization/roleAssignments";
    const condition =
      `((!(ActionMatches{'${type}/write'})) OR (@Request[${type}:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals{${reader}} AND @Request[${type}:PrincipalType] StringEqualsIgnoreCase 'ServicePrincipal')) AND ` +
      `((!(ActionMatches{'${type}/delete'})) OR (@Resource[${type}:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals{${reader}}))`;
    await arm.assign("Role Based Access Control Administrator", admin, group, { condition, conditionVersion: "2.0" });
    const owner = await arm.assign("Contributor", app, group);
    const type_ = { principalType: "ServicePrincipal" };
    const refused = await arm.assign("Owner", app, group, type_, admin);
    expect(refused.status).toBe(403);
    expect(refused.body.error.message).toContain("an ABAC condition not fulfilled");
    expect((await arm.assign("Reader", app, group, {}, admin)).status).toBe(403);
    const made = await arm.assign("Reader", app, group, type_, admin);
    expect(made.status).toBe(201);
    expect((await arm.send("DELETE", owner.body.id, undefined, admin)).status).toBe(403);
    expect((await arm.send("DELETE", made.body.id, undefined, admin)).status).toBe(200);
  });
  it("the last administrator of the subscription stays", async () => {
    const idOf = (principalId: string): string => arm.state.index.assignments(principalId)[0]?.id ?? "";
    expect((await arm.send("DELETE", idOf(arm.info.developerUserId))).status).toBe(200);
    const refused = await arm.send("DELETE", idOf(arm.info.developerServicePrincipalId));
    expect(refused).toMatchObject({
      status: 400,
      body: { error: { message: "Cannot delete the last RBAC admin assignment" } },
    });
  });
  it("go when their group goes", async () => {
    await arm.assign("Reader", app, group);
    await arm.send("PUT", `${group}/${provider}/denyAssignments/${guid()}`, {
      properties: { principals: [{ id: app, type: "ServicePrincipal" }], permissions: [{ actions: ["*/write"] }] },
    });
    expect((await arm.send("DELETE", group)).status).toBe(202);
    await arm.context.longRunning.idle();
    expect(arm.state.index.assignments(app)).toEqual([]);
    expect(arm.state.index.denyAssignments()).toEqual([]);
  });
  it("only one of many PUTs at once wins", async () => {
    const all = await Promise.all(Array.from({ length: 10 }, () => arm.assign("Reader", app, group)));
    expect(all.map((each) => each.status).sort((a, b) => a - b)).toEqual([
      201,
      ...Array.from({ length: 9 }, () => 409),
    ]);
  });
});

describe("lists of role assignments", () => {
  const names = async (path: string, as?: string): Promise<string[]> => {
    const answer = await arm.send("GET", path, undefined, as);
    expect(answer.status).toBe(200);
    return answer.body.value.map(
      (each: { properties: { scope: string; principalId: string } }) => each.properties.scope,
    );
  };
  it("show at, above and below; atScope() leaves out those below", async () => {
    await arm.assign("Reader", app, group);
    const all = `${arm.subscription}/${provider}/roleAssignments`;
    expect(await names(all)).toEqual([arm.subscription, arm.subscription, group]);
    expect(await names(`${all}?$filter=atScope()`)).toEqual([arm.subscription, arm.subscription]);
    expect(await names(`/${group}/${provider}/roleAssignments?%24filter=atScope()`)).toHaveLength(3);
    expect(await names(`${all}?$filter=${encodeURIComponent(`principalId eq '${app}'`)}`)).toEqual([group]);
    expect(codeOf(await arm.send("GET", `${all}?$filter=nonsense`))).toBe("400 UnsupportedQuery");
  });
  it("assignedTo() counts the principal's groups", async () => {
    const team = guid();
    await arm.context.directory.put({ kind: "Group", objectId: team, displayName: "team", members: [app] });
    expect((await arm.assign("Reader", team, group)).status).toBe(201);
    const all = `${arm.subscription}/${provider}/roleAssignments?$filter=`;
    expect(await names(`${all}assignedTo('${app}')`)).toEqual([group]);
    expect(await names(`${all}principalId%20eq%20'${app}'`)).toEqual([]);
    expect((await arm.send("GET", group, undefined, app)).status).toBe(200);
  });
  it("above the caller's scopes are filtered, and refused to callers with no right at all", async () => {
    const list = `${arm.subscription}/${provider}/roleAssignments`;
    expect((await arm.send("GET", list, undefined, app)).status).toBe(403);
    await arm.assign("Reader", app, group);
    expect(await names(list, app)).toEqual([group]);
  });
});

describe("role definitions", () => {
  it("are found by name and read by id at any scope", async () => {
    const list = `${group}/${provider}/roleDefinitions?$filter=${encodeURIComponent("roleName eq 'Storage Blob Data Contributor'")}`;
    const found = await arm.send("GET", list);
    expect(found.body.value).toMatchObject([
      {
        id: `${arm.subscription}/${provider}/roleDefinitions/ba92f5b4-2d11-453d-a403-e96b0029c9fe`,
        name: "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
        type: "Microsoft.Authorization/roleDefinitions",
        properties: { roleName: "Storage Blob Data Contributor", type: "BuiltInRole", assignableScopes: ["/"] },
      },
    ]);
    expect((await arm.send("GET", found.body.value[0].id)).body).toEqual(found.body.value[0]);
    expect((await arm.send("GET", `${group}/${provider}/roleDefinitions`)).body.value.length).toBeGreaterThan(60);
    expect(codeOf(await arm.send("GET", `${group}/${provider}/roleDefinitions/${guid()}`))).toBe(
      "404 RoleDefinitionDoesNotExist",
    );
  });
  const custom = (over: object = {}): object => ({
    properties: {
      roleName: "Site restarter",
      permissions: [{ actions: ["Microsoft.Web/sites/restart/action"] }],
      assignableScopes: [arm.subscription],
      ...over,
    },
  });
  it("custom ones are created, assigned, changed and deleted", async () => {
    const path = `${arm.subscription}/${provider}/roleDefinitions/${guid()}`;
    const made = await arm.send("PUT", path, custom());
    expect(made).toMatchObject({ status: 201, body: { properties: { type: "CustomRole" } } });
    expect(codeOf(await arm.send("PUT", `${arm.subscription}/${provider}/roleDefinitions/${guid()}`, custom()))).toBe(
      "409 RoleDefinitionWithSameNameExists",
    );
    const assigned = await arm.assign("Reader", app, group, { roleDefinitionId: made.body.id });
    expect(assigned.status).toBe(201);
    expect((await arm.send("GET", group, undefined, app)).status).toBe(403);
    const permissions = [{ actions: ["Microsoft.Resources/subscriptions/resourceGroups/read"] }];
    expect((await arm.send("PUT", path, custom({ permissions }))).status).toBe(201);
    expect((await arm.send("GET", group, undefined, app)).status).toBe(200);
    expect(codeOf(await arm.send("DELETE", path))).toBe("400 RoleDefinitionHasAssignments");
    await arm.send("DELETE", assigned.body.id);
    expect((await arm.send("DELETE", path)).status).toBe(200);
    expect((await arm.send("DELETE", path)).status).toBe(204);
  });
  it("built-in ones cannot be changed or deleted", async () => {
    const path = `${arm.subscription}/${provider}/roleDefinitions/${builtInRole("Reader").name}`;
    expect((await arm.send("PUT", path, custom())).status).toBe(400);
    expect((await arm.send("DELETE", path)).status).toBe(400);
  });
  it("need the right on every assignable scope, old and new", async () => {
    const admin = await arm.principal("admin");
    await arm.assign("User Access Administrator", admin, group);
    const path = `${group}/${provider}/roleDefinitions/${guid()}`;
    const refused = await arm.send("PUT", path, custom(), admin);
    expect(codeOf(refused)).toBe("403 LinkedAuthorizationFailed");
    expect(refused.body.error.message).toContain(`on the linked scope(s) '${arm.subscription}'`);
    expect((await arm.send("PUT", path, custom())).status).toBe(201);
    expect((await arm.send("PUT", path, custom({ assignableScopes: [group] }), admin)).status).toBe(403);
    expect((await arm.send("DELETE", path, undefined, admin)).status).toBe(403);
  });
  it("are not assignable outside their assignable scopes", async () => {
    const path = `${group}/${provider}/roleDefinitions/${guid()}`;
    const made = await arm.send("PUT", path, custom({ assignableScopes: [group] }));
    expect(codeOf(await arm.assign("Reader", app, arm.subscription, { roleDefinitionId: made.body.id }))).toBe(
      "400 RoleDefinitionDoesNotExist",
    );
    expect((await arm.assign("Reader", app, group, { roleDefinitionId: made.body.id })).status).toBe(201);
  });
  it("break Azure's rules for custom roles with a 400", async () => {
    const path = `${arm.subscription}/${provider}/roleDefinitions/${guid()}`;
    expect((await arm.send("PUT", path, custom({ assignableScopes: ["/"] }))).status).toBe(400);
    expect((await arm.send("PUT", path, custom({ permissions: [{ actions: "all" }] }))).status).toBe(400);
  });
});

describe("deny assignments, locks and permissions", () => {
  it("a deny assignment beats Owner and spares excluded principals", async () => {
    const path = `${group}/${provider}/denyAssignments/${guid()}`;
    const everyone = { id: "00000000-0000-0000-0000-000000000000", type: "SystemDefined" };
    const properties = {
      denyAssignmentName: "keep",
      permissions: [{ actions: ["Microsoft.Resources/subscriptions/resourceGroups/write"] }],
      principals: [everyone],
      excludePrincipals: [{ id: app, type: "ServicePrincipal" }],
    };
    expect((await arm.send("PUT", path, { properties: { ...properties, excludePrincipals: [] } })).status).toBe(400);
    expect((await arm.send("PUT", path, { properties })).status).toBe(201);
    const refused = await arm.send("PUT", group, { location: "eastus" });
    expect(codeOf(refused)).toBe("403 DenyAssignmentAuthorizationFailed");
    expect(refused.body.error.message).toContain("'keep'");
    await arm.assign("Owner", app, group);
    expect((await arm.send("PUT", group, { location: "eastus" }, app)).status).toBe(200);
    expect((await arm.send("GET", `${group}/${provider}/denyAssignments`)).body.value).toHaveLength(1);
    expect((await arm.send("DELETE", path)).status).toBe(200);
    expect((await arm.send("PUT", group, { location: "eastus" })).status).toBe(200);
  });
  it("locks stop deletion, ReadOnly also writing, until they are removed", async () => {
    const lock = `${group}/${provider}/locks/keep`;
    const identity = `${group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-1`;
    expect((await arm.send("PUT", identity, { location: "eastus" })).status).toBe(201);
    expect((await arm.send("PUT", lock, { properties: { level: "CanNotDelete", notes: "n" } })).status).toBe(201);
    for (const path of [group, identity]) {
      const refused = await arm.send("DELETE", path);
      expect(refused.body.error).toEqual({
        code: "ScopeLocked",
        message: `The scope '${path}' cannot perform delete operation because following scope(s) are locked: '${group}'. Please remove the lock and try again.`,
      });
    }
    expect((await arm.send("PUT", identity, { location: "eastus", tags: { a: "b" } })).status).toBe(200);
    expect((await arm.send("PUT", lock, { properties: { level: "ReadOnly" } })).status).toBe(200);
    expect(codeOf(await arm.send("PUT", identity, { location: "eastus" }))).toBe("409 ScopeLocked");
    expect((await arm.send("GET", `${identity}/${provider}/locks`)).body.value).toHaveLength(1);
    expect((await arm.send("DELETE", lock)).status).toBe(200);
    expect((await arm.send("DELETE", identity)).status).toBe(200);
  });
  it("Contributor cannot write locks", async () => {
    await arm.assign("Contributor", app, group);
    expect(
      (await arm.send("PUT", `${group}/${provider}/locks/l`, { properties: { level: "ReadOnly" } }, app)).status,
    ).toBe(403);
  });
  it("permissions are the caller's own", async () => {
    await arm.assign("Reader", app, group);
    const mine = await arm.send("GET", `${group}/${provider}/permissions`, undefined, app);
    expect(mine.body.value).toEqual(builtInRole("Reader").permissions);
  });
});
