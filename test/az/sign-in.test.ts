import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type AzSession, signIn, startAz } from "../support/az.ts";
import { needs, requireTool } from "../support/skip.ts";

needs("az")("az, signed in as the developer's service principal", () => {
  let session: AzSession;
  beforeAll(async () => {
    session = await startAz();
  });
  afterAll(() => session[Symbol.asyncDispose]());

  it("prints the token service's own words for a wrong secret and an unknown tenant", async () => {
    const wrong = await session.fails(signIn, { env: { AZURE_CLIENT_SECRET: "wrong" } });
    expect(wrong.stderr).toContain("AADSTS7000215: Invalid client secret provided.");
    const elsewhere = await session.fails(signIn, { env: { AZURE_TENANT_ID: "11111111-2222-3333-4444-555555555555" } });
    expect(elsewhere.stderr).toMatch(/tenant|AADSTS90002/i);
  });

  it("signs in, and sees the tenant's one subscription", async () => {
    const [subscription] = await session.json(signIn);
    expect(subscription).toMatchObject({
      id: session.tenant.subscriptionId,
      tenantId: session.tenant.tenantId,
      user: { type: "servicePrincipal" },
    });
    expect(await session.json("az account show")).toMatchObject({ id: session.tenant.subscriptionId });
  });

  it("gets tokens for other services, and none for what does not exist", async () => {
    for (const resource of ["https://graph.microsoft.com", "https://storage.azure.com"])
      expect((await session.json(`az account get-access-token --resource ${resource}`)).accessToken).toMatch(/^ey/);
    const oss = await session.json("az account get-access-token --resource-type oss-rdbms");
    const claims = JSON.parse(Buffer.from(oss.accessToken.split(".")[1], "base64url").toString()) as { aud: string };
    expect(claims.aud).toBe("https://ossrdbms-aad.database.windows.net");
    const unknown = await session.fails("az account get-access-token --resource https://nowhere.example.com");
    expect(unknown.stderr).toContain("AADSTS500011");
  });

  it("creates, shows, tags, finds and lists resource groups", async () => {
    const made = await session.json("az group create --location eastus --name rg1 --tags a=b");
    expect(made).toMatchObject({ name: "rg1", location: "eastus", tags: { a: "b" } });
    expect((await session.bash("az group exists --name rg1")).stdout.trim()).toBe("true");
    expect((await session.bash("az group exists --name rg2")).stdout.trim()).toBe("false");
    expect((await session.json("az group list")).map((each: { name: string }) => each.name)).toEqual(["rg1"]);
    expect(await session.json("az group update --name rg1 --set tags.c=d")).toMatchObject({ tags: { a: "b", c: "d" } });
    const missing = await session.fails("az group show --name rg2");
    expect(missing.code).toBe(3);
    expect(missing.stderr).toContain("(ResourceGroupNotFound) Resource group 'rg2' could not be found.");
  });

  it("looks the directory up: service principals, users, who is signed in", async () => {
    expect(await session.json('az ad sp show --id "$AZURE_CLIENT_ID"')).toMatchObject({
      displayName: "lanyard-developer",
      servicePrincipalType: "Application",
    });
    expect(await session.json("az ad sp list --display-name lanyard-developer")).toHaveLength(1);
    expect(await session.json("az ad app list --display-name lanyard")).toHaveLength(1);
    expect(await session.json('az ad app show --id "$AZURE_CLIENT_ID"')).toMatchObject({
      displayName: "lanyard-developer",
    });
    expect(await session.json("az ad user list")).toMatchObject([{ displayName: "Developer" }]);
    expect(await session.json("az ad group list")).toEqual([]);
    expect((await session.fails("az ad user show --id nobody@example.com")).stderr).toContain("does not exist");
    expect((await session.fails("az ad signed-in-user show")).stderr).toContain(
      "/me request is only valid with delegated authentication flow.",
    );
  });

  it("creates an identity, and assigns, lists and deletes roles by name", async () => {
    const identity = await session.json("az identity create --resource-group rg1 --name reader");
    expect(identity).toMatchObject({ name: "reader", tenantId: session.tenant.tenantId });
    session.set("PRINCIPAL", identity.principalId);
    session.set("SCOPE", `/subscriptions/${session.tenant.subscriptionId}/resourceGroups/rg1`);
    const made = await session.json('az role assignment create --assignee "$PRINCIPAL" --role Reader --scope "$SCOPE"');
    expect(made).toMatchObject({ principalId: identity.principalId, principalType: "ServicePrincipal" });
    const [listed] = await session.json('az role assignment list --assignee "$PRINCIPAL" --scope "$SCOPE"');
    expect(listed).toMatchObject({ roleDefinitionName: "Reader", principalName: identity.clientId });
    const [definition] = await session.json('az role definition list --name "Storage Blob Data Contributor"');
    expect(definition).toMatchObject({ name: "ba92f5b4-2d11-453d-a403-e96b0029c9fe" });
    await session.bash('az role assignment delete --assignee "$PRINCIPAL" --role Reader --scope "$SCOPE"');
    expect(await session.json('az role assignment list --assignee "$PRINCIPAL" --scope "$SCOPE"')).toEqual([]);
    const unknown = await session.fails(
      'az role assignment create --assignee "$PRINCIPAL" --role Nope --scope "$SCOPE"',
    );
    expect(unknown.stderr).toContain("Role 'Nope' doesn't exist.");
  });

  it("signs in with an app's managed identity, which sees what its roles show and no directory", async () => {
    const as = { as: "az-in-app", env: { AZURE_CONFIG_DIR: join(session.folder, "..", "identity", ".azure") } };
    const { tenant } = session;
    const login = "az login --identity --allow-no-subscriptions";
    const run = (script: string) =>
      tenant.run("bash", ["-c", `PATH="${dirname(requireTool("az"))}:$PATH"; ${script}`], as);
    expect(JSON.parse((await run(login)).stdout)).toMatchObject([{ name: "N/A(tenant level account)" }]);
    expect((await run("az ad sp list")).stderr).toContain("Insufficient privileges to complete the operation.");
    await tenant.assign({ role: "Reader", to: "az-in-app" });
    expect(JSON.parse((await run(login)).stdout)).toMatchObject([
      { id: tenant.subscriptionId, user: { name: "systemAssignedIdentity" } },
    ]);
    const made = await run("az group create --name mine --location eastus");
    expect(made.stderr).toContain("(AuthorizationFailed)");
    expect(made.stderr).toContain("Microsoft.Resources/subscriptions/resourceGroups/write");
  });

  it("deletes a group with what is in it", async () => {
    await session.bash("az group delete --name rg1 --yes");
    expect((await session.bash("az group exists --name rg1")).stdout.trim()).toBe("false");
  });

  it("leaves no failure of ours behind", () => expect(session.tenant.failures).toEqual([]));
});
