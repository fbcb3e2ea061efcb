import assert from "node:assert/strict";
import { test } from "node:test";
import { appBody } from "./resources.ts";
import { readDeploySettings } from "./settings.ts";

const env = { AZURE_SUBSCRIPTION_ID: "sub", IMAGE: "registry.example/app:1" };

test("settings come from flags, then variables, then defaults", () => {
  const settings = readDeploySettings(["--app", "mine"], { ...env, LOCATION: "westeurope" });
  assert.deepEqual(settings, {
    subscriptionId: "sub",
    image: "registry.example/app:1",
    appName: "mine",
    location: "westeurope",
    resourceGroup: "container-app-token",
    environmentName: "mine-env",
    identityName: "mine-identity",
  });
});

test("what is missing or impossible is said before anything is created", () => {
  assert.throws(() => readDeploySettings([], { IMAGE: "i" }), /AZURE_SUBSCRIPTION_ID/);
  assert.throws(() => readDeploySettings([], { AZURE_SUBSCRIPTION_ID: "s" }), /IMAGE/);
  assert.throws(() => readDeploySettings(["--app", "Not A Name"], env), /Not a container app name/);
});

test("the app has both kinds of identity and no secret", () => {
  const body = appBody(readDeploySettings([], env), "/environment", { id: "/identity", clientId: "client" });
  assert.deepEqual(body.identity, { type: "SystemAssigned,UserAssigned", userAssignedIdentities: { "/identity": {} } });
  assert.deepEqual(body.template?.containers?.[0]?.env, [{ name: "USER_ASSIGNED_CLIENT_ID", value: "client" }]);
  assert.equal(body.configuration?.secrets, undefined);
});
