/** Bodies, ids and paths that no client sends: refused in Graph's shape, and nothing of ours breaks. */
import { array, assert, asyncProperty, constant, constantFrom, dictionary, jsonValue, oneof, string } from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Method } from "../../kernel/message.ts";
import { type GraphWorld, openGraph } from "./graph.test-support.ts";

const runs = Math.min(Number(process.env["LANYARD_HOSTILE_RUNS"] ?? 150), 2000);
let world: GraphWorld;
let ids: readonly string[];
let groupId: string;
beforeAll(async () => {
  world = await openGraph();
  const { id, appId, principalId } = await world.makeApp("target");
  const group = await world.graph("POST", "/groups", {
    displayName: "g",
    mailNickname: "g",
    mailEnabled: false,
    securityEnabled: true,
  });
  groupId = String(group.body.id);
  ids = [id, appId, principalId, groupId, world.test.tenant.info.developerUserId];
});
afterAll(() => world[Symbol.asyncDispose]());

const members = [
  "displayName",
  "identifierUris",
  "keyCredentials",
  "passwordCredentials",
  "passwordCredential",
  "web",
  "tags",
  "appId",
  "accountEnabled",
  "name",
  "issuer",
  "subject",
  "audiences",
  "mailNickname",
  "mailEnabled",
  "securityEnabled",
  "owners@odata.bind",
  "members@odata.bind",
  "groupIds",
  "keyId",
  "principalId",
  "roleDefinitionId",
  "directoryScopeId",
  "@odata.id",
  "ids",
  "types",
  "__proto__",
  "constructor",
];
const collections = ["applications", "servicePrincipals", "groups", "users", "directoryObjects"];
const rest = [
  "",
  "/addPassword",
  "/removePassword",
  "/owners",
  "/owners/$ref",
  "/members",
  "/members/$ref",
  "/federatedIdentityCredentials",
  "/federatedIdentityCredentials/x",
  "/checkMemberGroups",
  "/getMemberGroups",
  "/memberOf",
];

it("answers whatever is sent with a refusal or the truth", async () => {
  const reference = constant(`https://graph.microsoft.com/v1.0/directoryObjects/${groupId}`);
  const value = oneof(jsonValue(), string(), reference, array(reference, { maxLength: 2 }), array(jsonValue()));
  const body = oneof(jsonValue(), dictionary(constantFrom(...members), value, { maxKeys: 6 }));
  const path = oneof(
    constantFrom(...collections).chain((collection) =>
      oneof(string(), constantFrom("{id}")).chain((id) =>
        constantFrom(...rest).map((tail) => `/${collection}/${id === "{id}" ? id : encodeURIComponent(id)}${tail}`),
      ),
    ),
    constantFrom("/applications", "/servicePrincipals", "/groups", "/roleManagement/directory/roleAssignments"),
    string().map((each) => `/roleManagement/directory/roleAssignments/${encodeURIComponent(each)}`),
    string().map((each) => `/applications(appId='${encodeURIComponent(each)}')/addPassword`),
  );
  const method = constantFrom<Method>("GET", "POST", "PATCH", "DELETE");
  let turn = 0;
  await assert(
    asyncProperty(method, path, body, async (how, where, json) => {
      turn += 1;
      const target = where.replace("{id}", ids[turn % ids.length] ?? "");
      // The developer and the target stay: everything else may be done to the directory.
      if (how === "DELETE" && where.includes("{id}")) return;
      const answer = await world.graph(how, target, how === "GET" || how === "DELETE" ? undefined : json);
      expect([how, target, answer.status < 500 || answer.status === 501]).toEqual([how, target, true]);
      if (answer.status >= 400) expect(answer.body.error).toMatchObject({ code: expect.any(String) });
    }),
    { numRuns: runs * 4 },
  );
  expect(world.test.errors).toEqual([]);
});
