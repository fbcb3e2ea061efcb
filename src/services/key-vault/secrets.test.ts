import { SecretClient } from "@azure/keyvault-secrets";
import { describe, expect, it } from "vitest";
import { startVaults, withRole } from "./key-vault.test-support.ts";

const day = 86_400_000;

describe("secrets by Microsoft's client", () => {
  it("are set, read, versioned, listed in pages, changed, deleted, recovered and purged", async () => {
    const { vaults, oid } = await withRole();
    await using _ = vaults;
    const client = new SecretClient("https://kv1.vault.azure.net", vaults.credential(oid), vaults.options);
    const first = await client.setSecret("db-password", "one", { contentType: "text/plain", tags: { a: "b" } });
    expect(first).toMatchObject({
      name: "db-password",
      value: "one",
      properties: { enabled: true, contentType: "text/plain", tags: { a: "b" }, recoverableDays: 90 },
    });
    expect(first.properties.recoveryLevel).toBe("Recoverable+Purgeable");
    await client.setSecret("db-password", "two");
    expect((await client.getSecret("db-password")).value).toBe("two");
    const { version = "" } = first.properties;
    expect((await client.getSecret("db-password", { version })).value).toBe("one");
    const versions: (string | undefined)[] = [];
    for await (const each of client.listPropertiesOfSecretVersions("db-password")) versions.push(each.version);
    expect(versions).toHaveLength(2);
    expect(versions).toContain(version);

    const expiresOn = new Date(1_900_000_000_000);
    const changed = await client.updateSecretProperties("db-password", version, {
      enabled: false,
      expiresOn,
      tags: { c: "d" },
    });
    expect(changed).toMatchObject({ enabled: false, expiresOn, tags: { c: "d" }, contentType: "text/plain" });
    await expect(client.getSecret("db-password", { version })).rejects.toMatchObject({
      statusCode: 403,
      message: expect.stringContaining("Operation get is not allowed on a disabled secret.") as string,
    });

    for (let number = 0; number < 30; number++) await client.setSecret(`n${number}`, "x");
    const pages: number[] = [];
    for await (const page of client.listPropertiesOfSecrets().byPage()) pages.push(page.length);
    expect(pages).toEqual([25, 6]);

    const poller = await client.beginDeleteSecret("db-password");
    const deleted = await poller.pollUntilDone();
    expect(deleted).toMatchObject({
      name: "db-password",
      recoveryId: "https://kv1.vault.azure.net/deletedsecrets/db-password",
    });
    await expect(client.getSecret("db-password")).rejects.toMatchObject({ code: "SecretNotFound", statusCode: 404 });
    await expect(client.setSecret("db-password", "three")).rejects.toMatchObject({ code: "Conflict" });
    await (await client.beginRecoverDeletedSecret("db-password")).pollUntilDone();
    expect((await client.getSecret("db-password")).value).toBe("two");

    await (await client.beginDeleteSecret("n1")).pollUntilDone();
    const listed = [];
    for await (const each of client.listDeletedSecrets()) listed.push(each.name);
    expect(listed).toEqual(["n1"]);
    await client.purgeDeletedSecret("n1");
    await expect(client.getDeletedSecret("n1")).rejects.toMatchObject({ statusCode: 404 });
    await client.setSecret("n1", "new");
    expect(vaults.errors).toEqual([]);
  });

  it("are backed up and restored with all versions, into another vault of the tenant too", async () => {
    const { vaults, oid, token } = await withRole();
    await using _ = vaults;
    await vaults.createVault("kv2", { enableRbacAuthorization: true });
    await vaults.assign("Key Vault Administrator", oid, vaults.vaultId("kv2"));
    const client = new SecretClient("https://kv1.vault.azure.net", vaults.credential(oid), vaults.options);
    const other = new SecretClient("https://kv2.vault.azure.net", vaults.credential(oid), vaults.options);
    const first = await client.setSecret("s", "value-one");
    await client.setSecret("s", "value-two");
    const backup = await client.backupSecret("s");
    expect(Buffer.from(backup ?? []).toString("latin1")).not.toContain("value-one");
    await expect(client.restoreSecretBackup(backup ?? new Uint8Array())).rejects.toMatchObject({ code: "Conflict" });
    await other.restoreSecretBackup(backup ?? new Uint8Array());
    expect((await other.getSecret("s")).value).toBe("value-two");
    expect((await other.getSecret("s", { version: first.properties.version ?? "" })).value).toBe("value-one");
    const changed = Buffer.from(backup ?? []);
    changed[20] = (changed[20] ?? 0) ^ 1;
    const refused = await vaults.call("POST", "/secrets/restore", {
      token,
      json: { value: changed.toString("base64url") },
    });
    expect(refused).toMatchObject({ status: 400, body: { error: { code: "BadParameter" } } });
  });
});

describe("secrets on the wire", () => {
  it("answer in the shape of the api-version that was asked for", async () => {
    const { vaults, as } = await withRole();
    await using _ = vaults;
    await as("PUT", "/secrets/s", { value: "v", attributes: { nbf: 10, exp: 20 } }, "2016-10-01");
    const old = await as("GET", "/secrets/s/", undefined, "2016-10-01");
    expect(old.status).toBe(200);
    expect(old.body).toMatchObject({
      value: "v",
      id: expect.stringMatching(/^https:\/\/kv1\.vault\.azure\.net\/secrets\/s\/[0-9a-f]{32}$/) as string,
      attributes: { enabled: true, nbf: 10, exp: 20, recoveryLevel: "Recoverable+Purgeable" },
    });
    expect(old.body.attributes).not.toHaveProperty("recoverableDays");
    const { attributes } = (await as("GET", "/SECRETS/S", undefined, "2025-07-01")).body;
    expect(attributes).toMatchObject({ recoverableDays: 90 });
    for (const version of ["", "banana", "1999-01-01", "8.1", "7.4%20"]) {
      const refused = await as("GET", "/secrets/s", undefined, version);
      expect(refused).toMatchObject({ status: 400, body: { error: { code: "BadParameter" } } });
    }
  });

  it("list items without versions and versions with them, and never a value", async () => {
    const { vaults, as } = await withRole();
    await using _ = vaults;
    await as("PUT", "/secrets/Mixed-Case", { value: "do-not-show" });
    const { body: list } = await as("GET", "/secrets?maxresults=5");
    expect(list).toMatchObject({
      value: [{ id: "https://kv1.vault.azure.net/secrets/Mixed-Case", attributes: { enabled: true } }],
      nextLink: null,
    });
    const { body: versions } = await as("GET", "/secrets/mixed-case/versions");
    expect(versions.value[0].id).toMatch(/\/secrets\/Mixed-Case\/[0-9a-f]{32}$/);
    await as("DELETE", "/secrets/mixed-case");
    const { body: deleted } = await as("GET", "/deletedsecrets");
    expect(deleted.value).toMatchObject([{ recoveryId: "https://kv1.vault.azure.net/deletedsecrets/Mixed-Case" }]);
    expect(JSON.stringify([list, versions, deleted])).not.toContain("do-not-show");
  });

  it("refuse what makes no secret, and quote no value in doing so", async () => {
    const { vaults, as, token } = await withRole();
    await using _ = vaults;
    const bodies: unknown[] = [
      {},
      { value: null },
      { value: 5 },
      { value: { hidden: "do-not-show" } },
      { value: "do-not-show".repeat(3000) },
      { value: "do-not-show", attributes: { exp: "soon" } },
      { value: "do-not-show", attributes: { nbf: 20, exp: 10 } },
      { value: "do-not-show", tags: ["x"] },
      ["do-not-show"],
      "do-not-show",
    ];
    for (const body of bodies) {
      const refused = await as("PUT", "/secrets/s", body);
      expect(refused).toMatchObject({ status: 400, body: { error: { code: "BadParameter" } } });
      expect(JSON.stringify(refused)).not.toContain("do-not-show");
    }
    for (const name of ["a_b", "a%2Fb", "a%20b", "x".repeat(128), "..%2F..", "%00"])
      expect((await vaults.call("GET", `/secrets/${name}`, { token })).status).toBe(400);
    for (const page of ["maxresults=0", "maxresults=26", "maxresults=x", "$skiptoken=%00", "$skiptoken=Li4v"])
      expect((await as("GET", `/secrets?${page}`)).status).toBe(400);
    expect(JSON.stringify(vaults.decisions)).not.toContain("do-not-show");
  });

  it("leave their soft-delete period by the tenant clock", async () => {
    const { vaults, oid } = await withRole("Key Vault Administrator", { softDeleteRetentionInDays: 7 });
    await using _ = vaults;
    const as = async (method: "GET" | "PUT" | "DELETE", path: string, json?: unknown) =>
      vaults.call(method, path, { token: await vaults.token(oid), ...(json === undefined ? {} : { json }) });
    await as("PUT", "/secrets/s", { value: "old" });
    const { body } = await as("DELETE", "/secrets/s");
    expect(body.scheduledPurgeDate - body.deletedDate).toBe(7 * 86_400);
    expect(body.attributes).toMatchObject({ recoveryLevel: "CustomizedRecoverable+Purgeable", recoverableDays: 7 });
    vaults.advance(7 * day - 60_000);
    expect((await as("GET", "/deletedsecrets/s")).status).toBe(200);
    vaults.advance(60_000);
    expect((await as("GET", "/deletedsecrets/s")).status).toBe(404);
    expect((await as("GET", "/deletedsecrets")).body.value).toEqual([]);
    expect((await as("PUT", "/secrets/s", { value: "new" })).status).toBe(200);
    expect((await as("GET", "/secrets/s/versions")).body.value).toHaveLength(1);
  });

  it("are not purged where purge protection is on", async () => {
    const { vaults, as } = await withRole("Key Vault Administrator", { enablePurgeProtection: true });
    await using _ = vaults;
    await as("PUT", "/secrets/s", { value: "v" });
    expect((await as("DELETE", "/secrets/s")).body.attributes.recoveryLevel).toBe("Recoverable");
    expect(await as("DELETE", "/deletedsecrets/s")).toMatchObject({
      status: 403,
      body: { error: { code: "Forbidden" } },
    });
  });

  it("are sealed at rest", async () => {
    await using vaults = await startVaults();
    vaults.ok(await vaults.createVault("kv1"));
    const { oid } = await vaults.principal("app");
    await vaults.allow("kv1", oid, { secrets: ["set", "get"] });
    const token = await vaults.token(oid);
    await vaults.call("PUT", "/secrets/s", { token, json: { value: "hunter2" } });
    const uid = (await vaults.tenant.resources.get(vaults.vaultId("kv1")))?.secrets?.["uid"] as string;
    const plain = vaults.tenant.store.collection<Record<string, unknown>>({ name: "vault-versions" });
    const [row] = await plain.list(`vault/${uid}`);
    expect(JSON.stringify(row)).toContain("secrets");
    expect(JSON.stringify(row)).not.toContain("hunter2");
  });
});
