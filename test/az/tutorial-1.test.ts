/**
 * "Create and deploy a Flask Python web app to Azure with system-assigned managed identity", Microsoft's tutorial, step by
 * step as printed: https://learn.microsoft.com/azure/developer/python/tutorial-python-managed-identity-cli
 */
import { afterAll, beforeAll, expect, it } from "vitest";
import { type AzSession, signIn, startAz } from "../support/az.ts";
import { needs } from "../support/skip.ts";

needs("az")("tutorial 1 through az", () => {
  let session: AzSession;
  const suffix = "12345";
  beforeAll(async () => {
    session = await startAz();
    session.set("LOCATION", "eastus");
    session.set("RESOURCE_GROUP_NAME", "msdocs-mi-web-app");
    session.set("APP_SERVICE_NAME", `msdocs-mi-web-${suffix}`);
    session.set("DB_SERVER_NAME", `msdocs-mi-postgres-${suffix}`);
    session.set("ADMIN_USER", "demoadmin");
    session.set("ADMIN_PW", `ChAnG33#ThsPssWD${suffix}`);
    await session.bash(signIn);
  });
  afterAll(() => session[Symbol.asyncDispose]());

  it("creates the resource group", async () => {
    await session.bash("az group create --location $LOCATION --name $RESOURCE_GROUP_NAME");
  });

  it("creates the PostgreSQL server, its firewall opened to this machine", async () => {
    const made = await session.json(`
      az postgres flexible-server create \\
        --resource-group $RESOURCE_GROUP_NAME \\
        --name $DB_SERVER_NAME \\
        --location $LOCATION \\
        --admin-user $ADMIN_USER \\
        --admin-password $ADMIN_PW \\
        --sku-name Standard_D2ds_v4 --yes`);
    expect(made).toMatchObject({
      host: `msdocs-mi-postgres-${suffix}.postgres.database.azure.com`,
      skuname: "Standard_D2ds_v4",
      username: "demoadmin",
    });
    const [rule] = await session.json(
      "az postgres flexible-server firewall-rule list --resource-group $RESOURCE_GROUP_NAME --server-name $DB_SERVER_NAME",
    );
    expect(rule).toMatchObject({ startIpAddress: "127.0.0.1", endIpAddress: "127.0.0.1" });
  });

  it("creates the database with SQL, as the server's administrator", async () => {
    await session.bash(`
      az postgres flexible-server execute \\
        --name $DB_SERVER_NAME \\
        --admin-user $ADMIN_USER \\
        --admin-password $ADMIN_PW \\
        --database-name postgres \\
        --querytext 'create database restaurant;'`);
    const listed = await session.json(
      "az postgres flexible-server db list --resource-group $RESOURCE_GROUP_NAME --server-name $DB_SERVER_NAME",
    );
    expect(listed.map((each: { name: string }) => each.name)).toContain("restaurant");
    const execute = "az postgres flexible-server execute -n $DB_SERVER_NAME -u $ADMIN_USER -d postgres";
    const rows = await session.json(
      `${execute} -p $ADMIN_PW -q "select datname, 1 + 1 as two, true as yes, null as nothing from pg_database where datname = 'restaurant'"`,
    );
    expect(rows).toEqual([{ datname: "restaurant", two: 2, yes: true, nothing: null }]);
    const wrong = await session.fails(`${execute} -p wrong -q "select 1"`);
    expect(wrong.stderr).toContain('password authentication failed for user "demoadmin"');
    const broken = await session.fails(`${execute} -p $ADMIN_PW -q "selec 1"`);
    expect(broken.stderr).toContain("syntax error at or near");
  });

  it("creates another database through Azure Resource Manager", async () => {
    const made = await session.json(
      "az postgres flexible-server db create --resource-group $RESOURCE_GROUP_NAME --server-name $DB_SERVER_NAME --name other",
    );
    expect(made).toMatchObject({ name: "other", charset: "UTF8" });
  });

  it("updates the storage account, and creates the container with its key", async () => {
    session.set("STORAGE_ACCOUNT_NAME", `account${suffix}`);
    await session.bash(
      "az storage account create --name $STORAGE_ACCOUNT_NAME --resource-group $RESOURCE_GROUP_NAME --sku Standard_RAGRS",
    );
    const updated = await session.json(`
      az storage account update \\
        --name $STORAGE_ACCOUNT_NAME \\
        --resource-group $RESOURCE_GROUP_NAME \\
        --allow-blob-public-access true`);
    expect(updated.allowBlobPublicAccess).toBe(true);
    const created = await session.json(`
      az storage container create \\
        --account-name $STORAGE_ACCOUNT_NAME \\
        --name photos \\
        --public-access blob \\
        --account-key $(az storage account keys list --account-name $STORAGE_ACCOUNT_NAME \\
            --query [0].value --output tsv)`);
    expect(created).toEqual({ created: true });
  });

  it("deletes the group and all that is in it", async () => {
    await session.bash("az group delete --name $RESOURCE_GROUP_NAME --yes");
    expect(await session.json("az resource list")).toEqual([]);
  });

  it("leaves no failure of ours behind", () => expect(session.tenant.failures).toEqual([]));
});
