/** `az keyvault` against a vault: the vault itself, its secrets, keys and certificates, and who may. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type AzSession, signIn, startAz } from "../support/az.ts";
import { needs } from "../support/skip.ts";

needs("az")("az keyvault", () => {
  let session: AzSession;
  beforeAll(async () => {
    session = await startAz();
    await session.bash(`${signIn} && az group create --name rg1 --location eastus`);
    session.set("V", "--vault-name az-kv-1");
  });
  afterAll(() => session[Symbol.asyncDispose]());
  const text = async (script: string) => (await session.bash(`${script} --output tsv`)).stdout.trim();
  const file = (name: string) => readFile(join(session.folder, name), "utf8");

  it("creates a vault whose policy gives its maker everything, shows, lists and changes it", async () => {
    const made = await session.json(
      "az keyvault create --resource-group rg1 --name az-kv-1 --location eastus --enable-rbac-authorization false",
    );
    expect(made.properties).toMatchObject({
      vaultUri: "https://az-kv-1.vault.azure.net/",
      enableRbacAuthorization: false,
      enableSoftDelete: true,
      softDeleteRetentionInDays: 90,
      accessPolicies: [{ permissions: { secrets: ["all"], keys: ["all"], certificates: ["all"] } }],
    });
    expect(await session.json("az keyvault show --name az-kv-1 --query name")).toBe("az-kv-1");
    expect(await session.json("az keyvault list --resource-group rg1 --query [].name")).toEqual(["az-kv-1"]);
    const changed = "az keyvault update --name az-kv-1 --enabled-for-template-deployment true";
    expect((await session.json(changed)).properties.enabledForTemplateDeployment).toBe(true);
    const again = await session.fails("az keyvault create --resource-group rg1 --name az-kv-1 --location eastus");
    expect(again.stderr).toContain("already exist");
  });

  it("sets, shows, lists and downloads secrets, and changes what is said about them", async () => {
    await session.bash("az keyvault secret set $V --name secret --value first");
    const set = await session.json("az keyvault secret set $V --name secret --value 'My secret value'");
    expect(set.id).toMatch(/^https:\/\/az-kv-1\.vault\.azure\.net\/secrets\/secret\/[0-9a-f]{32}$/);
    expect(await text("az keyvault secret show $V --name secret --query value")).toBe("My secret value");
    expect(await text(`az keyvault secret show --id ${set.id} --query value`)).toBe("My secret value");
    expect(await session.json("az keyvault secret list $V --query [].name")).toEqual(["secret"]);
    expect(await session.json("az keyvault secret list-versions $V --name secret")).toHaveLength(2);
    const attributes = "az keyvault secret set-attributes $V --name secret --content-type text/plain --tags a=b";
    expect(await session.json(attributes)).toMatchObject({ contentType: "text/plain", tags: { a: "b" } });
    await session.bash("az keyvault secret download $V --name secret --file secret.txt");
    expect(await file("secret.txt")).toBe("My secret value");
    await session.bash("az keyvault secret set-attributes $V --name secret --enabled false");
    expect((await session.fails("az keyvault secret show $V --name secret")).stderr).toContain(
      "Operation get is not allowed on a disabled secret.",
    );
    await session.bash("az keyvault secret set-attributes $V --name secret --enabled true");
    expect((await session.fails("az keyvault secret show $V --name none")).stderr).toContain("(SecretNotFound)");
  });

  it("deletes, recovers, purges, backs up and restores secrets", async () => {
    await session.bash("az keyvault secret backup $V --name secret --file secret.backup");
    await session.bash("az keyvault secret delete $V --name secret");
    expect(await session.json("az keyvault secret list-deleted $V --query [].name")).toEqual(["secret"]);
    expect(await text("az keyvault secret show-deleted $V --name secret --query name")).toBe("secret");
    expect((await session.fails("az keyvault secret set $V --name secret --value x")).stderr).toContain("deleted");
    await session.bash("az keyvault secret recover $V --name secret && az keyvault secret delete $V --name secret");
    await session.bash("az keyvault secret purge $V --name secret");
    expect(await session.json("az keyvault secret list-deleted $V")).toEqual([]);
    await session.bash("az keyvault secret restore $V --file secret.backup");
    expect(await text("az keyvault secret show $V --name secret --query value")).toBe("My secret value");
  });

  it("creates and imports keys, and signs, verifies, encrypts and decrypts with them", async () => {
    await session.bash("az keyvault key create $V --name rsa --kty RSA --size 2048");
    await session.bash("az keyvault key create $V --name ec --kty EC --curve P-256");
    session.set("DIGEST", "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=");
    session.set("SIGNATURE", await text("az keyvault key sign $V -n rsa -a RS256 --digest $DIGEST --query signature"));
    const verify = "az keyvault key verify $V -n rsa -a RS256 --signature $SIGNATURE --query isValid --digest";
    expect(await session.json(`${verify} $DIGEST`)).toBe(true);
    expect(await session.json(`${verify} "$(printf other | openssl dgst -sha256 -binary | base64)"`)).toBe(false);
    const encrypt = "az keyvault key encrypt $V -n rsa -a RSA-OAEP --value hello --data-type plaintext --query result";
    session.set("CIPHER", await text(encrypt));
    const decrypt =
      "az keyvault key decrypt $V -n rsa -a RSA-OAEP --value $CIPHER --data-type plaintext --query result";
    expect(await session.json(decrypt)).toBe("hello");
    await session.bash("openssl genrsa -out in.pem 2048 && openssl rsa -in in.pem -pubout -out expected.pem");
    await session.bash("az keyvault key import $V --name imported --pem-file in.pem");
    await session.bash("az keyvault key download $V --name imported --file out.pem");
    await session.bash(
      "openssl pkey -pubin -in out.pem -outform DER | cmp - <(openssl pkey -pubin -in expected.pem -outform DER)",
    );
    expect(await session.json("az keyvault key list $V --query [].name")).toEqual(["ec", "imported", "rsa"]);
    const disabled = "az keyvault key set-attributes $V --name imported --enabled false --query attributes.enabled";
    expect(await session.json(disabled)).toBe(false);
  });

  it("rotates keys by hand and writes their rotation policy", async () => {
    const before = await text("az keyvault key show $V --name rsa --query key.kid");
    expect(await text("az keyvault key rotate $V --name rsa --query key.kid")).not.toBe(before);
    expect(await session.json("az keyvault key list-versions $V --name rsa")).toHaveLength(2);
    const policy = {
      lifetimeActions: [{ trigger: { timeAfterCreate: "P90D" }, action: { type: "Rotate" } }],
      attributes: { expiryTime: "P2Y" },
    };
    await session.bash(`az keyvault key rotation-policy update $V --name rsa --value '${JSON.stringify(policy)}'`);
    const shown = await session.json("az keyvault key rotation-policy show $V --name rsa");
    expect(shown).toMatchObject({ expiresIn: "P2Y" });
    expect(shown.lifetimeActions).toContainEqual({ action: "Rotate", timeAfterCreate: "P90D", timeBeforeExpiry: null });
  });

  it("deletes, recovers, purges, backs up and restores keys", async () => {
    const kid = await text("az keyvault key show $V --name ec --query key.kid");
    await session.bash("az keyvault key backup $V --name ec --file ec.backup && az keyvault key delete $V --name ec");
    expect(await session.json("az keyvault key list-deleted $V --query [].name")).toEqual(["ec"]);
    await session.bash("az keyvault key recover $V --name ec && az keyvault key delete $V --name ec");
    await session.bash("az keyvault key purge $V --name ec");
    expect(await text("az keyvault key restore $V --file ec.backup --query key.kid")).toBe(kid);
  });

  it("creates a certificate with the default policy, and downloads it with its key", async () => {
    const made = await session.json(
      'az keyvault certificate create $V --name web --policy "$(az keyvault certificate get-default-policy)"',
    );
    expect(made.status).toBe("completed");
    const shown = await session.json("az keyvault certificate show $V --name web");
    expect(shown.policy).toMatchObject({ issuerParameters: { name: "Self" } });
    expect(await session.json("az keyvault certificate list $V --query [].name")).toEqual(["web"]);
    expect(await session.json("az keyvault certificate list-versions $V --name web")).toHaveLength(1);
    await session.bash("az keyvault certificate download $V --name web --file web.pem");
    const subject = await session.bash("openssl x509 -in web.pem -noout -subject");
    expect(subject.stdout).toContain("CLIGetDefaultPolicy");
    await session.bash("az keyvault secret download $V --name web --file web.pfx --encoding base64");
    const keys = await session.bash("openssl pkcs12 -in web.pfx -nodes -passin pass: | grep -c 'PRIVATE KEY'");
    expect(keys.stdout.trim()).toBe("2");
  });

  it("imports certificates as PEM and PFX, and deletes, recovers, purges and restores them", async () => {
    await session.bash(
      "openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out crt.pem -days 30 -subj /CN=imported && cat key.pem crt.pem > both.pem",
    );
    await session.bash("openssl pkcs12 -export -in crt.pem -inkey key.pem -out both.pfx -passout pass:pw");
    const type = "--query policy.secretProperties.contentType";
    expect(await text(`az keyvault certificate import $V --name pem --file both.pem ${type}`)).toBe(
      "application/x-pem-file",
    );
    expect(await text(`az keyvault certificate import $V --name pfx --file both.pfx --password pw ${type}`)).toBe(
      "application/x-pkcs12",
    );
    await session.bash("az keyvault certificate download $V --name pem --file back.pem");
    await session.bash("cmp <(openssl x509 -in back.pem -outform DER) <(openssl x509 -in crt.pem -outform DER)");
    const wrong = await session.fails("az keyvault certificate import $V --name bad --file both.pfx --password no");
    expect(wrong.stderr).toContain("(BadParameter)");
    await session.bash("az keyvault certificate backup $V --name pem --file pem.backup");
    await session.bash("az keyvault certificate delete $V --name pem");
    expect(await session.json("az keyvault certificate list-deleted $V --query [].name")).toEqual(["pem"]);
    await session.bash("az keyvault certificate recover $V --name pem && az keyvault certificate delete $V --name pem");
    await session.bash("az keyvault certificate purge $V --name pem");
    expect(await text("az keyvault certificate restore $V --file pem.backup --query name")).toBe("pem");
  });

  it("leaves a certificate of another issuer pending, and keeps issuers and contacts", async () => {
    await session.bash(`az keyvault certificate get-default-policy | sed s/Self/Unknown/ > unknown.json`);
    const pending = "az keyvault certificate pending";
    await session.bash("az keyvault certificate create $V --name ca --policy @unknown.json");
    expect(await text(`${pending} show $V --name ca --query status`)).toBe("inProgress");
    await session.bash(`${pending} delete $V --name ca`);
    await session.bash("az keyvault certificate issuer create $V --issuer-name i1 --provider-name Test");
    expect(await session.json("az keyvault certificate issuer list $V --query [].provider")).toEqual(["Test"]);
    await session.bash("az keyvault certificate contact add $V --email a@example.com");
    const emails = "az keyvault certificate contact list $V --query contactList[].emailAddress";
    expect(await session.json(emails)).toEqual(["a@example.com"]);
  });

  it("gives an app's identity a policy, which lets it read, and takes it away again", async () => {
    const { principalId, clientId } = await session.json("az identity create --resource-group rg1 --name reader");
    const policies = async () => (await session.json("az keyvault show --name az-kv-1")).properties.accessPolicies;
    await session.bash(`az keyvault set-policy --name az-kv-1 --object-id ${principalId} --secret-permissions get`);
    expect(await policies()).toContainEqual(expect.objectContaining({ objectId: principalId }));
    const read = () =>
      session.tenant.run(
        "bash",
        [
          "-c",
          `token=$(curl -s -H "X-IDENTITY-HEADER: $IDENTITY_HEADER" "$IDENTITY_ENDPOINT?api-version=2019-08-01&resource=https://vault.azure.net&client_id=${clientId}" | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')
           curl -s -H "Authorization: Bearer $token" "https://az-kv-1.vault.azure.net/secrets/secret?api-version=7.4"`,
        ],
        { as: "reader" },
      );
    expect(JSON.parse((await read()).stdout)).toMatchObject({ value: "My secret value" });
    await session.bash(`az keyvault delete-policy --name az-kv-1 --object-id ${principalId}`);
    expect(await policies()).toHaveLength(1);
    expect(JSON.parse((await read()).stdout).error).toMatchObject({ code: "Forbidden" });
    await session.bash(`az keyvault set-policy --name az-kv-1 --spn ${clientId} --key-permissions get list`);
    expect(await policies()).toHaveLength(2);
  });

  it("writes network rules", async () => {
    await session.bash("az keyvault network-rule add --name az-kv-1 --ip-address 10.0.0.0/24");
    expect((await session.json("az keyvault network-rule list --name az-kv-1")).ipRules).toEqual([
      { value: "10.0.0.0/24" },
    ]);
    await session.bash("az keyvault network-rule remove --name az-kv-1 --ip-address 10.0.0.0/24");
    await session.bash("az keyvault update --name az-kv-1 --default-action Deny");
    expect((await session.json("az keyvault network-rule list --name az-kv-1")).defaultAction).toBe("Deny");
    await session.bash("az keyvault update --name az-kv-1 --default-action Allow");
  });

  it("deletes, recovers and purges a vault with what is in it", async () => {
    await session.bash("az keyvault delete --name az-kv-1 --resource-group rg1");
    expect(await session.json("az keyvault list-deleted --query [].name")).toEqual(["az-kv-1"]);
    expect(await text("az keyvault show-deleted --name az-kv-1 --query name")).toBe("az-kv-1");
    await session.bash("az keyvault recover --name az-kv-1");
    expect(await text("az keyvault secret show $V --name secret --query value")).toBe("My secret value");
    await session.bash("az keyvault delete --name az-kv-1 && az keyvault purge --name az-kv-1");
    expect(await session.json("az keyvault list-deleted")).toEqual([]);
    expect((await session.fails("az keyvault show --name az-kv-1")).stderr).toContain("not found");
  });

  it("lets roles decide where the vault says so, which is az's default", async () => {
    const vault = await session.json("az keyvault create --resource-group rg1 --name az-kv-2 --location eastus");
    expect(vault.properties.enableRbacAuthorization).toBe(true);
    const set = "az keyvault secret set --vault-name az-kv-2 --name secret --value x";
    const refused = await session.fails(set);
    expect(refused.stderr).toContain("Caller is not authorized to perform action on resource.");
    expect(refused.stderr).toContain("Action: 'Microsoft.KeyVault/vaults/secrets/setSecret/action'");
    expect(refused.stderr).toContain("ForbiddenByRbac");
    await session.bash(
      `az role assignment create --role "Key Vault Secrets Officer" --assignee "$AZURE_CLIENT_ID" --scope ${vault.id}`,
    );
    await session.bash(set);
    expect((await session.fails("az keyvault key list --vault-name az-kv-2")).stderr).toContain("keys/read");
    expect(
      (await session.fails("az keyvault set-policy -n az-kv-2 --spn $AZURE_CLIENT_ID --secret-permissions get")).stderr,
    ).toMatch(/--enable-rbac-authorization/);
  });

  it("refuses a Managed HSM, saying that there is none", async () => {
    const hsm = await session.fails(
      "az keyvault create --hsm-name az-hsm-1 -g rg1 -l eastus --administrators 11111111-2222-3333-4444-555555555555 --retention-days 7",
    );
    expect(hsm.stderr).toContain("(InvalidResourceType)");
  });

  it("leaves no failure of ours behind", () => expect(session.tenant.failures).toEqual([]));
});
