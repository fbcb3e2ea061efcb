/** Commands beside the tutorial's: what else `az` does with web apps, connections, servers and blobs; and offline. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type AzSession, signIn, startAz } from "../support/az.ts";
import { needs } from "../support/skip.ts";

needs("az")("az", () => {
  let session: AzSession;
  beforeAll(async () => {
    session = await startAz();
    await session.bash(`${signIn} && az group create --name rg1 --location eastus`);
  });
  afterAll(() => session[Symbol.asyncDispose]());

  it("creates plans and web apps, sets and lists their settings, and takes their identity on and off", async () => {
    await session.bash("az appservice plan create -g rg1 -n plan1 --is-linux --sku B1");
    const app = await session.json("az webapp create -g rg1 -n az-app-1 --plan plan1 --runtime NODE:22-lts");
    expect(app).toMatchObject({ state: "Running", defaultHostName: "az-app-1.azurewebsites.net", reserved: true });
    await session.bash("az webapp config appsettings set -g rg1 -n az-app-1 --settings ONE=1 TWO=2");
    const identity = await session.json("az webapp identity assign -g rg1 -n az-app-1");
    expect(identity).toMatchObject({ type: "SystemAssigned", tenantId: session.tenant.tenantId });
    expect(await session.json(`az ad sp show --id ${identity.principalId}`)).toMatchObject({
      displayName: "az-app-1",
      servicePrincipalType: "ManagedIdentity",
    });
    const settings = await session.json("az webapp config appsettings list -g rg1 -n az-app-1");
    expect(settings.map((each: { name: string }) => each.name)).toEqual(expect.arrayContaining(["ONE", "TWO"]));
    await session.bash("az webapp identity remove -g rg1 -n az-app-1");
    expect((await session.fails(`az ad sp show --id ${identity.principalId}`)).stderr).toContain("does not exist");
    expect((await session.json("az webapp list -g rg1")).map((each: { name: string }) => each.name)).toEqual([
      "az-app-1",
    ]);
    await session.bash("az webapp restart -g rg1 -n az-app-1 && az webapp stop -g rg1 -n az-app-1");
    expect((await session.json("az webapp show -g rg1 -n az-app-1")).state).toBe("Stopped");
  });

  it("deploys a zip", async () => {
    await session.bash("az webapp start -g rg1 -n az-app-1");
    await writeFile(
      join(session.folder, "server.js"),
      'require("http").createServer((q, r) => { console.log("asked"); r.end("from a zip"); }).listen(process.env.PORT);',
    );
    await session.bash("python3 -m zipfile -c app.zip server.js");
    await session.bash("az webapp deploy -g rg1 -n az-app-1 --src-path app.zip --type zip");
    const page = await session.bash("curl --silent --show-error https://az-app-1.azurewebsites.net/");
    expect(page.stdout).toBe("from a zip");
  });

  it("connects a web app to a storage account, lists, shows and removes the connection", async () => {
    await session.bash("az storage account create -g rg1 -n azaccount1 --sku Standard_LRS");
    await session.bash(`
      az webapp connection create storage-blob -g rg1 -n az-app-1 --connection blobs --client-type nodejs \\
        --tg rg1 --account azaccount1 --system-identity`);
    expect(await session.json("az webapp connection list -g rg1 -n az-app-1")).toMatchObject([{ name: "blobs" }]);
    const { configurations } = await session.json(
      "az webapp connection list-configuration -g rg1 -n az-app-1 --connection blobs",
    );
    expect(configurations).toMatchObject([
      { name: "AZURE_STORAGEBLOB_RESOURCEENDPOINT", value: "https://azaccount1.blob.core.windows.net/" },
    ]);
    await session.bash("az webapp connection delete -g rg1 -n az-app-1 --connection blobs --yes");
    expect(await session.json("az webapp connection list -g rg1 -n az-app-1")).toEqual([]);
  });

  it("uploads, lists and downloads blobs with the login, once the role is there", async () => {
    await session
      .bash("az storage container create --account-name azaccount1 --name files --auth-mode login")
      .catch(() => undefined);
    const key = "--account-key $(az storage account keys list -g rg1 -n azaccount1 --query [0].value -o tsv)";
    await session.bash(`az storage container create --account-name azaccount1 --name files ${key}`);
    await writeFile(join(session.folder, "hello.txt"), "hello");
    const upload =
      "az storage blob upload --account-name azaccount1 -c files -n hello.txt -f hello.txt --auth-mode login";
    expect((await session.fails(upload)).stderr).toMatch(/required permissions|Storage Blob Data/);
    await session.bash(`
      az role assignment create --assignee "$AZURE_CLIENT_ID" --role "Storage Blob Data Contributor" \\
        --scope $(az storage account show -g rg1 -n azaccount1 --query id -o tsv)`);
    await session.bash(upload);
    const listed = await session.json("az storage blob list --account-name azaccount1 -c files --auth-mode login");
    expect(listed.map((each: { name: string }) => each.name)).toEqual(["hello.txt"]);
    await session.bash(
      "az storage blob download --account-name azaccount1 -c files -n hello.txt -f back.txt --auth-mode login && cmp hello.txt back.txt",
    );
  });

  it("names administrators of a PostgreSQL server, changes parameters, stops and starts it", async () => {
    await session.bash(`
      az postgres flexible-server create -g rg1 -n az-pg-1 --location eastus --admin-user demoadmin \\
        --admin-password 'ChAnG33#ThsPssWD' --sku-name Standard_B1ms --tier Burstable --yes`);
    const server = "-g rg1 --server-name az-pg-1";
    await session.bash("az postgres flexible-server update -g rg1 -n az-pg-1 --microsoft-entra-auth Enabled");
    const oid = (await session.json('az ad sp show --id "$AZURE_CLIENT_ID"')).id;
    await session.bash(
      `az postgres flexible-server microsoft-entra-admin create ${server} -u dev -i ${oid} -t ServicePrincipal`,
    );
    expect(await session.json(`az postgres flexible-server microsoft-entra-admin list ${server}`)).toMatchObject([
      { objectId: oid, principalName: "dev", principalType: "ServicePrincipal" },
    ]);
    await session.bash(`az postgres flexible-server parameter set ${server} --name work_mem --value 8192`);
    const token = "$(az account get-access-token --resource-type oss-rdbms --query accessToken -o tsv)";
    const rows = await session.json(
      `az postgres flexible-server execute -n az-pg-1 -u dev -p ${token} -d postgres -q "show work_mem"`,
    );
    expect(rows).toEqual([{ work_mem: "8MB" }]);
    await session.bash("az postgres flexible-server stop -g rg1 -n az-pg-1");
    expect((await session.json("az postgres flexible-server show -g rg1 -n az-pg-1")).state).toBe("Stopped");
    await session.bash("az postgres flexible-server start -g rg1 -n az-pg-1");
    await session.bash("az postgres flexible-server delete -g rg1 -n az-pg-1 --yes");
    expect(await session.json("az postgres flexible-server list -g rg1")).toEqual([]);
  });

  it("tags resources without writing them", async () => {
    const id = (await session.json("az group show -n rg1")).id;
    await session.bash(`az tag update --resource-id ${id} --operation merge --tags team=web`);
    expect((await session.json("az group show -n rg1")).tags).toEqual({ team: "web" });
  });

  it("fails fast, naming the cause, for what is not there", async () => {
    const started = performance.now();
    expect(
      (await session.fails("az ad user create --display-name x --password P@ssw0rd1 --user-principal-name x@y.z"))
        .stderr,
    ).toContain("POST /v1.0/users is not implemented by Lanyard.");
    expect((await session.fails("az login --use-device-code")).stderr).toContain(
      "Device code sign-in is not implemented by Lanyard.",
    );
    expect((await session.fails("az webapp log download -g rg1 -n az-app-1")).stderr).toContain("Not Implemented");
    expect((await session.fails("az extension add --name rdbms-connect")).stderr).toContain(
      "Unable to get extension index.",
    );
    expect(performance.now() - started).toBeLessThan(20_000);
  });

  it("leaves no failure of ours behind", () => expect(session.tenant.failures).toEqual([]));
});
