/**
 * "Create and deploy a Flask Python web app to Azure with system-assigned managed identity", Microsoft's tutorial, step by
 * step as printed: https://learn.microsoft.com/azure/developer/python/tutorial-python-managed-identity-cli
 */
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type AzSession, signIn, startAz } from "../support/az.ts";
import { needs } from "../support/skip.ts";
import { root } from "../support/source.ts";

const curl = "curl --silent --show-error";

needs("az", "python")("tutorial 1 through az", () => {
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
    // As `lanyard az` sets it: without a location, az 2.91's own `webapp up` fails (docs/reference/az.md).
    session.set("AZURE_DEFAULTS_LOCATION", "eastus");
    await session.bash(signIn);
  });
  afterAll(() => session[Symbol.asyncDispose]());

  let stuck = false;
  /** A step of the tutorial; when one fails, those after it have nothing to stand on. */
  const step = (name: string, work: () => Promise<void>): void =>
    it(name, async (context) => {
      if (stuck) context.skip("an earlier step failed");
      stuck = true;
      await work();
      stuck = false;
    });

  step("creates the resource group", async () => {
    await session.bash("az group create --location $LOCATION --name $RESOURCE_GROUP_NAME");
  });

  step("creates the PostgreSQL server, its firewall opened to this machine", async () => {
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

  step("creates the database with SQL, as the server's administrator", async () => {
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

  step("creates another database through Azure Resource Manager", async () => {
    const made = await session.json(
      "az postgres flexible-server db create --resource-group $RESOURCE_GROUP_NAME --server-name $DB_SERVER_NAME --name other",
    );
    expect(made).toMatchObject({ name: "other", charset: "UTF8" });
  });

  step("deploys the app", async () => {
    await cp(join(import.meta.dirname, "app"), session.folder, { recursive: true });
    await cp(join(root, "az-extension/lanyard/azext_lanyard/postgres.py"), join(session.folder, "postgres.py"));
    const made = await session.json(`
      az webapp up \\
        --resource-group $RESOURCE_GROUP_NAME \\
        --name $APP_SERVICE_NAME \\
        --runtime PYTHON:3.9 \\
        --sku B1`);
    expect(made).toMatchObject({ name: `msdocs-mi-web-${suffix}`, sku: "BASIC", runtime_version: "PYTHON|3.9" });
  });

  step("sets the start-up file, and the app answers under its own name", async () => {
    await session.bash(`
      az webapp config set \\
        --resource-group $RESOURCE_GROUP_NAME \\
        --name $APP_SERVICE_NAME \\
        --startup-file "start.sh"`);
    expect(await session.json(`${curl} https://$APP_SERVICE_NAME.azurewebsites.net/`)).toEqual({
      started_by: "start.sh",
    });
  });

  step("connects the app to the database with its identity", async () => {
    const made = await session.bash(`
      az webapp connection create postgres-flexible \\
        --resource-group $RESOURCE_GROUP_NAME \\
        --name $APP_SERVICE_NAME \\
        --target-resource-group $RESOURCE_GROUP_NAME \\
        --server $DB_SERVER_NAME \\
        --database restaurant \\
        --client-type python \\
        --system-identity`);
    expect(made.stderr).toContain("altered by the following extension: lanyard");
    expect(JSON.parse(made.stdout)).toMatchObject({
      provisioningState: "Succeeded",
      authInfo: { authType: "systemAssignedIdentity" },
    });
    const settings = await session.json(
      "az webapp config appsettings list --resource-group $RESOURCE_GROUP_NAME --name $APP_SERVICE_NAME",
    );
    const setting = settings.find((each: { name: string }) => each.name === "AZURE_POSTGRESQL_CONNECTIONSTRING");
    expect(setting.value).toMatch(
      /^dbname=restaurant host=msdocs-mi-postgres-12345\.postgres\.database\.azure\.com port=\d+ sslmode=require user=aad_\w+$/,
    );
    expect(await session.json(`${curl} https://$APP_SERVICE_NAME.azurewebsites.net/database`)).toEqual([
      { visits: 1, base: "restaurant", who: expect.stringMatching(/^aad_postgresflexible_/) },
    ]);
  });

  step("connects the app to a new storage account with its identity", async () => {
    const printed = await session.bash(`
      STORAGE_ACCOUNT_URL=$(az webapp connection create storage-blob \\
        --new true \\
        --resource-group $RESOURCE_GROUP_NAME \\
        --name $APP_SERVICE_NAME \\
        --target-resource-group $RESOURCE_GROUP_NAME \\
        --client-type python \\
        --system-identity \\
        --query configurations[].value \\
        --output tsv)
      STORAGE_ACCOUNT_NAME=$(cut -d . -f1 <<< $(cut -d / -f3 <<< $STORAGE_ACCOUNT_URL))
      echo $STORAGE_ACCOUNT_NAME`);
    expect(printed.stdout.trim()).toMatch(/^account[a-z]{5}$/);
    session.set("STORAGE_ACCOUNT_NAME", printed.stdout.trim());
  });

  step("opens the account to anonymous readers, and creates the container with its key", async () => {
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

  step("lets the app write a photo that anybody reads, until its role is taken away", async () => {
    const put = `${curl} -X PUT --data-binary hello https://$APP_SERVICE_NAME.azurewebsites.net/photo`;
    const { url, status } = await session.json(put);
    expect(status).toBe(201);
    expect((await session.bash(`${curl} ${url}`)).stdout).toBe("hello");
    // In the app's folder `webapp up` left a default group, which these commands refuse beside a scope.
    const [held] = await session.json(
      `cd / && az role assignment list --all --query "[?roleDefinitionName=='Storage Blob Data Contributor']"`,
    );
    expect(held).toMatchObject({ principalType: "ServicePrincipal" });
    await session.bash(`cd / && az role assignment delete --ids ${held.id}`);
    expect((await session.json(put)).error).toContain("AuthorizationPermissionMismatch");
    const refused = session.tenant.decisions.findLast((each) => each.operation === "PutBlob");
    expect(refused?.checks.at(-1)?.need.name).toBe(
      "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write",
    );
  });

  step("deletes the group and all that is in it", async () => {
    await session.bash("az group delete --name $RESOURCE_GROUP_NAME --yes");
    expect(await session.json("cd / && az resource list")).toEqual([]);
  });

  it("leaves no failure of ours behind", () => expect(session.tenant.failures).toEqual([]));
});
