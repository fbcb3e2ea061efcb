/** `run --identity` and `identity rotate`: from the command line to a token. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openSandbox, type Sandbox } from "./support.ts";

const imds = `
const { request } = require("node:http");
const path = "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fvault.azure.net";
request({ host: "169.254.169.254", path, headers: { Metadata: "true" } }, (response) => {
  response.setEncoding("utf8").on("data", (text) => process.stdout.write(response.statusCode + " " + text.slice(0, 15) + "\\n"));
}).end();`;

const header = `
fetch(process.env.IDENTITY_ENDPOINT + "?api-version=2019-08-01&resource=https://vault.azure.net", {
  headers: { "X-IDENTITY-HEADER": process.argv[1] ?? process.env.IDENTITY_HEADER },
}).then((answer) => console.log(answer.status, process.env.IDENTITY_HEADER));`;

describe("an app's identity on the command line", () => {
  let box: Sandbox;
  beforeAll(async () => {
    box = openSandbox();
    expect((await box.lanyard("up", "-d", "--port", "0")).code).toBe(0);
  });
  afterAll(() => box.close());

  it("is offered by the protocol that was asked for", async () => {
    const { code, out } = await box.lanyard("run", "--as", "shop", "--identity", "imds", "--", "node", "-e", imds);
    expect([code, out]).toEqual([0, '200 {"access_token"\n']);
  });

  it("is refused for a protocol that is none, and without an app", async () => {
    const wrong = await box.lanyard("run", "--as", "shop", "--identity", "telepathy", "--", "node", "-e", "0");
    expect([wrong.code, wrong.err]).toEqual([2, expect.stringContaining("--identity wants one of app-service, imds")]);
    const nobody = await box.lanyard("run", "--identity", "imds", "--", "node", "-e", "0");
    expect(nobody.err).toContain("whose identity?");
    const system = await box.lanyard("run", "--as", "shop", "--identity", "workload", "--", "node", "-e", "0");
    expect(system.err).toContain("no user-assigned identity");
  });

  it("gets a new header when rotated, and the old one is worthless", async () => {
    const before = await box.lanyard("run", "--as", "shop", "--", "node", "-e", header);
    const [status, old = ""] = before.out.trim().split(" ");
    expect(status).toBe("200");
    const rotated = await box.lanyard("identity", "rotate", "shop");
    expect([rotated.code, rotated.out]).toEqual([0, expect.stringContaining("shop: the identity header")]);
    const after = await box.lanyard("run", "--as", "shop", "--", "node", "-e", header, old);
    expect(after.out).toMatch(/^401 /);
    expect(after.out).not.toContain(old);
    expect((await box.lanyard("run", "--as", "shop", "--", "node", "-e", header)).out).toMatch(/^200 /);
    expect((await box.lanyard("identity", "rotate", "nobody")).err).toContain("nobody");
  });
});
