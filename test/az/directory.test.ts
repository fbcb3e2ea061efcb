/** `az ad`: applications, service principals, credentials and groups are written, and sign in and count as what they are. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type AzSession, signIn, startAz } from "../support/az.ts";
import { needs } from "../support/skip.ts";

needs("az")("az ad", () => {
  let session: AzSession;
  beforeAll(async () => {
    session = await startAz();
    await session.bash(`${signIn} && az group create --name rg1 --location eastus`);
  });
  afterAll(() => session[Symbol.asyncDispose]());
  const text = async (script: string) => (await session.bash(`${script} --output tsv`)).stdout.trim();
  /** In a configuration of its own, so that the developer stays signed in; az would keep the tokens of an earlier login. */
  const asOther = (script: string) => ({
    script,
    options: { env: { AZURE_CONFIG_DIR: join(session.folder, "..", "other", ".azure") } },
  });
  const login =
    "az account clear && az login --service-principal --tenant $AZURE_TENANT_ID --allow-no-subscriptions --username $APP";

  it("creates, finds, changes and shows an application and its service principal", async () => {
    const app = await session.json("az ad app create --display-name app1 --web-redirect-uris https://localhost/x");
    expect(app).toMatchObject({ displayName: "app1", web: { redirectUris: ["https://localhost/x"] } });
    session.set("APP", app.appId);
    expect(await session.json("az ad app list --display-name app1 --query [].appId")).toEqual([app.appId]);
    await session.bash("az ad app update --id $APP --identifier-uris api://app1");
    expect(await text("az ad app show --id api://app1 --query id")).toBe(app.id);
    const principal = await session.json("az ad sp create --id $APP");
    expect(principal).toMatchObject({ appId: app.appId, servicePrincipalType: "Application" });
    expect(await session.json("az ad sp list --display-name app1 --query [].id")).toEqual([principal.id]);
    expect(await text("az ad sp show --id api://app1 --query id")).toBe(principal.id);
    expect((await session.fails("az ad sp create --id $APP")).stderr).toContain("is already in use");
    expect(await session.json("az ad app owner list --id $APP --query [].displayName")).toEqual(["lanyard-developer"]);
  });

  it("signs in with a new secret, sees what its roles show, and may not write the directory", async () => {
    session.set("SECRET", await text("az ad app credential reset --id $APP --display-name first --query password"));
    const other = asOther(`${login} --password "$SECRET"`);
    expect(await session.json(other.script, other.options)).toMatchObject([{ name: "N/A(tenant level account)" }]);
    await session.bash(
      "az role assignment create --assignee $APP --role Reader --scope /subscriptions/$AZURE_SUBSCRIPTION_ID/resourceGroups/rg1",
    );
    await session.bash(other.script, other.options);
    expect(await session.json("az group list --query [].name", other.options)).toEqual(["rg1"]);
    for (const command of [
      "az ad app create --display-name no",
      "az ad group create --display-name a --mail-nickname a",
    ])
      expect((await session.fails(command, other.options)).stderr).toContain("Insufficient privileges");
    await session.bash("az ad app credential reset --id $APP --append --display-name second");
    expect(await session.json("az ad app credential list --id $APP --query [].displayName")).toEqual([
      "first",
      "second",
    ]);
    const [first] = await session.json("az ad app credential list --id $APP");
    await session.bash(`az ad app credential delete --id $APP --key-id ${first.keyId}`);
    expect((await session.fails(other.script, other.options)).stderr).toContain("AADSTS7000215");
  });

  it("signs in with a certificate of its registration, and with no other", async () => {
    for (const name of ["one", "two"])
      await session.bash(
        `openssl req -x509 -newkey rsa:2048 -nodes -days 500 -subj /CN=${name} -keyout ${name}.key -out ${name}.crt && cat ${name}.key ${name}.crt > ${name}.pem`,
      );
    await session.bash("az ad app credential reset --id $APP --cert @one.crt --append");
    const listed = await session.json("az ad app credential list --id $APP --cert");
    expect(listed).toMatchObject([{ type: "AsymmetricX509Cert", usage: "Verify" }]);
    const one = asOther(`${login} --certificate one.pem`);
    await session.bash(one.script, one.options);
    const two = asOther(`${login} --certificate two.pem`);
    expect((await session.fails(two.script, two.options)).stderr).toMatch(
      /AADSTS700027.*is not registered on application/,
    );
    await session.bash(`az ad app credential delete --id $APP --key-id ${listed[0].keyId} --cert`);
    expect((await session.fails(one.script, one.options)).stderr).toContain("AADSTS700027");
  });

  it("creates, shows, changes and deletes federated credentials, and signs in with one's token", async () => {
    await session.bash("az identity create --resource-group rg1 --name workload");
    const { stdout } = await session.tenant.run("bash", ["-c", "cat $AZURE_FEDERATED_TOKEN_FILE"], {
      as: "workload",
      identity: "workload",
    });
    const claims = JSON.parse(Buffer.from(stdout.split(".")[1] ?? "", "base64url").toString()) as {
      readonly iss: string;
      readonly sub: string;
    };
    const credential = (subject: string) =>
      writeFile(
        join(session.folder, "credential.json"),
        JSON.stringify({
          name: "cluster",
          issuer: claims.iss,
          subject,
          audiences: ["api://AzureADTokenExchange"],
          description: "d",
        }),
      );
    await credential("system:serviceaccount:a:b");
    const command = "az ad app federated-credential";
    await session.bash(`${command} create --id $APP --parameters credential.json`);
    expect((await session.fails(`${command} create --id $APP --parameters credential.json`)).stderr).toContain(
      "exists",
    );
    expect(await session.json(`${command} list --id $APP --query [].name`)).toEqual(["cluster"]);
    session.set("ASSERTION", stdout.trim());
    const other = asOther(`${login} --federated-token "$ASSERTION"`);
    expect((await session.fails(other.script, other.options)).stderr).toContain("AADSTS700213");
    await credential(claims.sub);
    await session.bash(`${command} update --id $APP --federated-credential-id cluster --parameters credential.json`);
    expect(await text(`${command} show --id $APP --federated-credential-id cluster --query subject`)).toBe(claims.sub);
    await session.bash(other.script, other.options);
    await session.bash(`${command} delete --id $APP --federated-credential-id cluster`);
    expect((await session.fails(other.script, other.options)).stderr).toContain("AADSTS700211");
  });

  it("federates user-assigned identities, too", async () => {
    const command = "az identity federated-credential";
    const of = "--identity-name workload --resource-group rg1";
    const issuer = "--issuer https://issuer.example --audiences api://AzureADTokenExchange";
    await session.bash(`${command} create --name build ${of} ${issuer} --subject one`);
    await session.bash(`${command} update --name build ${of} ${issuer} --subject two`);
    expect(await session.json(`${command} show --name build ${of}`)).toMatchObject({ subject: "two" });
    expect(await session.json(`${command} list ${of} --query [].name`)).toContain("build");
    await session.bash(`${command} delete --name build ${of} --yes`);
    expect(await session.json(`${command} list ${of} --query [].name`)).not.toContain("build");
  });

  it("creates groups, whose members have the group's roles", async () => {
    const group = await session.json("az ad group create --display-name devs --mail-nickname devs");
    const member = await text("az ad sp show --id $APP --query id");
    await session.bash(`az ad group member add --group devs --member-id ${member}`);
    expect(await session.json("az ad group member list --group devs --query [].id")).toEqual([member]);
    expect(await session.json(`az ad group member check --group devs --member-id ${member}`)).toEqual({ value: true });
    await session.bash("az group create --name rg2 --location eastus");
    await session.bash(
      `az role assignment create --assignee-object-id ${group.id} --assignee-principal-type Group --role Reader --scope /subscriptions/$AZURE_SUBSCRIPTION_ID/resourceGroups/rg2`,
    );
    session.set("SECRET", await text("az ad sp credential reset --id $APP --query password"));
    const other = asOther(`${login} --password "$SECRET"`);
    await session.bash(other.script, other.options);
    expect(await session.json("az group list --query [].name", other.options)).toEqual(["rg1", "rg2"]);
    await session.bash(`az ad group member remove --group devs --member-id ${member}`);
    await session.bash("az account clear", other.options);
    await session.bash(other.script, other.options);
    expect(await session.json("az group list --query [].name", other.options)).toEqual(["rg1"]);
    await session.bash("az ad group delete --group devs");
    expect(await session.json("az ad group list")).toEqual([]);
  });

  it("creates a service principal for rbac, as every tutorial on CI begins", async () => {
    const scope = `/subscriptions/${session.tenant.subscriptionId}/resourceGroups/rg1`;
    const made = await session.json(`az ad sp create-for-rbac --name ci --role Contributor --scopes ${scope}`);
    session.set("APP", made.appId);
    session.set("SECRET", made.password);
    const other = asOther(`${login} --password "$SECRET"`);
    await session.bash(other.script, other.options);
    await session.bash("az identity create --resource-group rg1 --name by-ci", other.options);
    const elsewhere = await session.fails("az group create --name rg3 --location eastus", other.options);
    expect(elsewhere.stderr).toContain("(AuthorizationFailed)");
  });

  it("shows and lists users, and says that it makes none", async () => {
    const upn = await text("az ad user list --query [0].userPrincipalName");
    expect(await session.json(`az ad user show --id ${upn}`)).toMatchObject({ displayName: "Developer" });
    const create = "az ad user create --display-name x --password P@ssw0rd1234 --user-principal-name x@example.com";
    expect((await session.fails(create)).stderr).toContain("POST /v1.0/users is not implemented by Lanyard.");
  });

  it("deletes a service principal and an application, which then sign in no more", async () => {
    const other = asOther(`${login} --password "$SECRET"`);
    await session.bash("az ad sp delete --id $APP");
    expect((await session.fails(other.script, other.options)).stderr).toContain("AADSTS7000229");
    await session.bash("az ad app delete --id $APP");
    expect((await session.fails(other.script, other.options)).stderr).toContain("AADSTS700016");
    expect((await session.fails("az ad app show --id $APP")).stderr).toContain("does not exist");
  });

  it("leaves no failure of ours behind", () => expect(session.tenant.failures).toEqual([]));
});
