/** `az containerapp`, tutorial 3's lines as they are printed among it. No container engine: apps stand and say so. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { type AzSession, signIn, startAz } from "../support/az.ts";
import { needs } from "../support/skip.ts";

needs("az")("az containerapp", () => {
  let session: AzSession;
  beforeAll(async () => {
    session = await startAz({ containerEngine: "off" });
    await session.bash(`${signIn} && az group create --name myResourceGroup --location eastus`);
    session.set("A", "--name my-app --resource-group myResourceGroup");
  });
  afterAll(() => session[Symbol.asyncDispose]());
  const text = async (script: string) => (await session.bash(`${script} --output tsv`)).stdout.trim();

  it("creates, shows and lists an environment and an app in it", async () => {
    await session.bash("az containerapp env create -n env1 -g myResourceGroup -l eastus --logs-destination none");
    const environment = await session.json("az containerapp env show -n env1 -g myResourceGroup");
    expect(environment.properties).toMatchObject({ provisioningState: "Succeeded" });
    expect(await session.json("az containerapp env list --query [].name")).toEqual(["env1"]);
    const app = await session.json(`
      az containerapp create $A --environment env1 --image registry.example/app:1 --ingress external \\
        --target-port 8080 --secrets pin=1234 --env-vars PLAIN=1 PIN=secretref:pin`);
    expect(app).toMatchObject({
      identity: { type: "None" },
      properties: {
        provisioningState: "Succeeded",
        configuration: {
          ingress: { fqdn: `my-app.${environment.properties.defaultDomain}`, targetPort: 8080 },
          secrets: [{ name: "pin" }],
        },
      },
    });
    expect(await session.json("az containerapp list -g myResourceGroup --query [].name")).toEqual(["my-app"]);
    await session.bash(
      "az containerapp create -n bare -g myResourceGroup --environment env1 --image registry.example/b:1",
    );
    expect(await text("az containerapp show -n bare -g myResourceGroup --query identity.type")).toBe("None");
  });

  it("adds and removes identities by the tutorial's own lines", async () => {
    const type = async () => (await session.json("az containerapp identity show $A")).type;
    expect(await type()).toBe("None");
    await session.bash("az containerapp identity assign --name my-app --resource-group myResourceGroup");
    expect(await type()).toBe("SystemAssigned");
    const { principalId } = await session.json("az containerapp identity show $A");
    expect(await session.json(`az ad sp show --id ${principalId}`)).toMatchObject({ displayName: "my-app" });
    for (const name of ["one", "two"]) {
      await session.bash(`az identity create --resource-group myResourceGroup --name ${name}`);
      await session.bash(
        `az containerapp identity assign --resource-group myResourceGroup --name my-app --identities ${name}`,
      );
    }
    const shown = await session.json("az containerapp identity show $A");
    expect(shown.type).toBe("SystemAssigned, UserAssigned");
    expect(Object.keys(shown.userAssignedIdentities).map((id) => id.split("/").at(-1))).toEqual(["one", "two"]);
    await session.bash("az containerapp identity remove --name my-app --resource-group myResourceGroup");
    expect(await type()).toBe("UserAssigned");
    expect((await session.fails(`az ad sp show --id ${principalId}`)).stderr).toContain("does not exist");
    await session.bash(
      "az containerapp identity remove --name my-app --resource-group myResourceGroup --identities one,two",
    );
    expect(await type()).toBe("None");
    await session.bash("az containerapp identity assign $A --identities '[system]' one");
    expect(await type()).toBe("SystemAssigned, UserAssigned");
    await session.bash("az containerapp identity remove $A --identities '[system]'");
    expect(await type()).toBe("UserAssigned");
  });

  it("takes the arguments that the command has today", async () => {
    await session.bash("az containerapp identity assign $A --system-assigned");
    expect(await text("az containerapp identity remove $A --user-assigned one --query type")).toBe("SystemAssigned");
    const both = await session.fails("az containerapp identity assign $A --identities one --system-assigned");
    expect(both.stderr).toContain("--identities is the older form");
    const unknown = await session.fails("az containerapp identity assign $A --user-assigned nobody");
    expect(unknown.stderr).toContain("nobody");
  });

  it("gives the app's identity a token, as the tutorial asks for it", async () => {
    const { stdout } = await session.tenant.run(
      "bash",
      [
        "-c",
        'curl -s -H "X-IDENTITY-HEADER: $IDENTITY_HEADER" "$IDENTITY_ENDPOINT?resource=https://vault.azure.net&api-version=2019-08-01"; echo; echo "$PIN"',
      ],
      { as: "my-app" },
    );
    const [answer = "", pin] = stdout.split("\n");
    expect(JSON.parse(answer)).toMatchObject({ resource: "https://vault.azure.net", token_type: "Bearer" });
    expect(pin).toBe("1234");
  });

  it("lists, sets, shows and removes secrets", async () => {
    await session.bash("az containerapp secret set $A --secrets other=5678");
    const names = async () => (await session.json("az containerapp secret list $A --query [].name")).toSorted();
    expect(await names()).toEqual(["other", "pin"]);
    expect(await session.json("az containerapp secret show $A --secret-name other")).toMatchObject({ value: "5678" });
    await session.bash("az containerapp secret remove $A --secret-names other");
    expect(await names()).toEqual(["pin"]);
  });

  it("makes revisions of changed templates, and activates and restarts them", async () => {
    const latest = () => text("az containerapp show $A --query properties.latestRevisionName");
    const first = await latest();
    await session.bash("az containerapp update $A --set-env-vars MORE=1");
    const second = await latest();
    expect(second).not.toBe(first);
    await session.bash("az containerapp revision set-mode $A --mode multiple");
    await session.bash("az containerapp revision copy $A --image registry.example/app:2");
    expect(await session.json("az containerapp revision list $A --query [].name")).toHaveLength(2);
    expect(await session.json(`az containerapp revision deactivate $A --revision ${second}`)).toContain("succeeded");
    const shown = await session.json(`az containerapp revision show $A --revision ${second}`);
    expect(shown.properties.active).toBe(false);
    await session.bash(`az containerapp revision activate $A --revision ${second}`);
    await session.bash(`az containerapp revision restart $A --revision ${second}`);
  });

  it("says that nothing runs where no engine does, in the app, its replicas and its log", async () => {
    expect(await text("az containerapp show $A --query properties.runningStatus")).not.toBe("Running");
    expect((await session.bash("az containerapp replica list $A")).stdout).toContain("No container engine");
    expect((await session.bash("az containerapp logs show $A")).stdout).toContain("lanyard run --as my-app");
    const console = await session.fails("az containerapp exec $A");
    expect(console.stderr).toContain("The console of containers (exec) is not implemented by Lanyard.");
  });

  it("changes ingress, traffic and registries", async () => {
    expect(await session.json("az containerapp ingress update $A --target-port 8081 --query targetPort")).toBe(8081);
    expect(await session.json("az containerapp ingress traffic show $A")).toMatchObject([{ weight: 100 }]);
    await session.bash("az containerapp ingress disable $A");
    const fqdn = "az containerapp ingress enable $A --type internal --target-port 8080 --query fqdn";
    expect(await text(fqdn)).toContain("my-app.internal.");
    await session.bash("az containerapp registry set $A --server registry.example --username u --password p");
    expect(await session.json("az containerapp registry list $A")).toMatchObject([
      { server: "registry.example", username: "u" },
    ]);
    await session.bash("az containerapp registry remove $A --server registry.example");
  });

  it("connects the app to a storage account and to a database, and takes a connection back", async () => {
    const names = async () =>
      (await session.json("az containerapp show $A --query properties.template.containers[0].env[].name")) as string[];
    await session.bash("az storage account create -g myResourceGroup -n caaccount1 --sku Standard_LRS");
    await session.bash(`
      az containerapp connection create storage-blob -g myResourceGroup -n my-app --connection blobs --client-type nodejs \\
        --container my-app --tg myResourceGroup --account caaccount1 --system-identity`);
    expect(await names()).toContain("AZURE_STORAGEBLOB_RESOURCEENDPOINT");
    const identity = await text("az containerapp identity show $A --query principalId");
    const scope = await text("az storage account show -g myResourceGroup -n caaccount1 --query id");
    const roles = () =>
      session.json(`az role assignment list --assignee ${identity} --scope ${scope} --query [].roleDefinitionName`);
    expect(await roles()).toEqual(["Storage Blob Data Contributor"]);
    expect(await session.json("az containerapp connection list -g myResourceGroup -n my-app --query [].name")).toEqual([
      "blobs",
    ]);
    await session.bash(`
      az postgres flexible-server create -g myResourceGroup -n ca-pg-1 --location eastus --admin-user demoadmin \\
        --admin-password 'ChAnG33#ThsPssWD' --sku-name Standard_B1ms --tier Burstable --yes
      az postgres flexible-server db create -g myResourceGroup --server-name ca-pg-1 --name restaurant`);
    await session.bash(`
      az containerapp connection create postgres-flexible -g myResourceGroup -n my-app --connection db --client-type python \\
        --container my-app --tg myResourceGroup --server ca-pg-1 --database restaurant --system-identity`);
    const { stdout } = await session.tenant.run("bash", ["-c", 'echo "$AZURE_POSTGRESQL_CONNECTIONSTRING"'], {
      as: "my-app",
    });
    expect(stdout).toContain("dbname=restaurant host=ca-pg-1.postgres.database.azure.com");
    expect(stdout).toContain("user=aad_db");
    await session.bash("az containerapp connection delete -g myResourceGroup -n my-app --connection blobs --yes");
    expect(await names()).not.toContain("AZURE_STORAGEBLOB_RESOURCEENDPOINT");
    expect(await roles()).toEqual([]);
  });

  it("refuses what is not built, by name", async () => {
    for (const command of ["job list -g myResourceGroup", "env certificate list -n env1 -g myResourceGroup"])
      expect((await session.fails(`az containerapp ${command}`)).stderr).toContain("InvalidResourceType");
  });

  it("deletes an app with its system-assigned identity, and an environment once it is empty", async () => {
    const principal = await text("az containerapp identity show $A --query principalId");
    const busy = await session.fails("az containerapp env delete -n env1 -g myResourceGroup --yes");
    expect(busy.stderr).toContain("ManagedEnvironmentHasContainerApps");
    await session.bash("az containerapp delete $A --yes");
    expect((await session.fails(`az ad sp show --id ${principal}`)).stderr).toContain("does not exist");
    expect(await session.json("az identity list --query [].name")).toEqual(["one", "two"]);
    await session.bash("az containerapp delete -n bare -g myResourceGroup --yes");
    await session.bash("az containerapp env delete -n env1 -g myResourceGroup --yes");
    expect(await session.json("az containerapp env list")).toEqual([]);
  });

  it("leaves no failure of ours behind", () => expect(session.tenant.failures).toEqual([]));
});
