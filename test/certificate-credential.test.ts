/** Microsoft's own client signs in with a certificate that stands in an application's registration. */
import { execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { startTenant } from "../src/testing/start-tenant.ts";
import { root } from "./support/source.ts";

it("ClientCertificateCredential gets tokens, and none for a certificate that is not registered", async () => {
  const folder = await mkdtemp(join(tmpdir(), "lanyard-certificate-"));
  await using tenant = await startTenant();
  const environment = await tenant.environment();
  const runScript = (script: string) =>
    tenant.run(process.execPath, ["--input-type=module", "-e", script], { cwd: root });
  const made = (name: string): { readonly pem: string; readonly der: string } => {
    const [key, crt, pem] = ["key", "crt", "pem"].map((end) => join(folder, `${name}.${end}`));
    execFileSync(
      "bash",
      [
        "-c",
        `openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=${name} -keyout "$1" -out "$2" && cat "$1" "$2" > "$3"`,
        "-",
        String(key),
        String(crt),
        String(pem),
      ],
      { stdio: "pipe" },
    );
    const der = execFileSync("openssl", ["x509", "-in", String(crt), "-outform", "DER"]).toString("base64");
    return { pem: String(pem), der };
  };
  const [known, other] = [made("known"), made("other")];
  const register = await runScript(`
    import { ClientSecretCredential } from "@azure/identity";
    const { AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET } = process.env;
    const { token } = await new ClientSecretCredential(AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET).getToken("https://graph.microsoft.com/.default");
    const post = async (path, body) => {
      const answer = await fetch("https://graph.microsoft.com/v1.0" + path, { method: "POST", body: JSON.stringify(body), headers: { authorization: "Bearer " + token, "content-type": "application/json" } });
      if (answer.status !== 201) throw new Error(await answer.text());
      return answer.json();
    };
    const keyCredentials = [{ type: "AsymmetricX509Cert", usage: "Verify", key: ${JSON.stringify(known.der)} }];
    const { appId } = await post("/applications", { displayName: "signs", keyCredentials });
    await post("/servicePrincipals", { appId });
    console.log(appId);
  `);
  expect(register.code).toBe(0);
  const signIn = (pem: string) =>
    runScript(`
      import { ClientCertificateCredential } from "@azure/identity";
      const credential = new ClientCertificateCredential(${JSON.stringify(environment["AZURE_TENANT_ID"])}, ${JSON.stringify(register.stdout.trim())}, { certificatePath: ${JSON.stringify(pem)} });
      try {
        const { token } = await credential.getToken("https://vault.azure.net/.default");
        console.log(JSON.parse(Buffer.from(token.split(".")[1], "base64url")).appid);
      } catch (error) {
        console.log(error.message);
      }
    `);
  expect((await signIn(known.pem)).stdout.trim()).toBe(register.stdout.trim());
  expect((await signIn(other.pem)).stdout).toMatch(/AADSTS700027.*is not registered on application/);
  expect(tenant.failures).toEqual([]);
  await rm(folder, { recursive: true });
});
