/**
 * An app of the shape of Microsoft's tutorial "Create and deploy a Flask Python web app to Azure with system-assigned
 * managed identity", on the tutorial's path: build by pip, `start.sh` with a migration, gunicorn, psycopg2 with an Entra
 * token for a password, photos in a public container.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startTenant, type TestTenant } from "../../src/testing/start-tenant.ts";
import { needs } from "../support/skip.ts";
import type { Page, Visit } from "./visit.ts";

/** One red pixel. */
const png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";

needs("python")("a Flask app of the tutorial's shape", () => {
  const site = "https://flask-reviews.azurewebsites.net";
  const photos = "https://flaskreviews.blob.core.windows.net/photos";
  let state: string;
  let tenant: TestTenant;
  let principalId: string;
  beforeAll(async () => {
    state = await mkdtemp(join(tmpdir(), "lanyard-python-"));
    tenant = await startTenant({ state });
  });
  afterAll(async () => {
    await tenant.close();
    await rm(state, { recursive: true, force: true });
  });

  const program = async (name: string, args: readonly string[], input?: string): Promise<unknown> => {
    const finished = await tenant.run(process.execPath, [join(import.meta.dirname, name), ...args], {
      timeout: 240_000,
      ...(input === undefined ? {} : { input }),
    });
    if (finished.code !== 0) throw new Error(`${name} ended with ${finished.code}:\n${finished.stderr}`);
    return JSON.parse(finished.stdout);
  };
  const visit = async (request: Visit): Promise<Page> =>
    (await program("visit.ts", [], JSON.stringify(request))) as Page;
  const review = (url: string): Visit => ({
    url,
    form: { user_name: "Ada", rating: "4", review_text: "Good soup" },
    photo: { field: "reviewImage", base64: png },
  });
  const refusals = (): readonly string[] =>
    tenant.decisions.flatMap(({ caller, checks }) =>
      checks
        .filter(({ verdict }) => !verdict.allowed)
        .map(
          ({ need }) => `${caller?.kind === "principal" ? caller.objectId : "nobody"}: ${need.name} at ${need.scope}`,
        ),
    );

  it("is built and started from a zip", async () => {
    const deployed = (await program("deploy.ts", ["app"])) as { readonly url: string; readonly principalId: string };
    expect(deployed.url).toBe(site);
    ({ principalId } = deployed);
  });

  it("is refused by the database and the storage account while nothing is granted; the log names what is missing", async () => {
    const page = await visit({ url: `${site}/` });
    expect(page).toMatchObject({ status: 503, text: expect.stringContaining("Database: ") as string });
    expect(page.text).toContain("aad_database");
    expect(await visit(review(`${site}/review/1`))).toMatchObject({
      status: 502,
      text: "Storage: 403 AuthorizationPermissionMismatch",
    });
    expect(refusals()).toEqual(
      expect.arrayContaining([
        expect.stringMatching("login as role aad_database at flask-reviews-db.postgres.database.azure.com/restaurant"),
        expect.stringMatching(
          `^${principalId}: Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write at .*/flaskreviews/`,
        ),
      ]),
    );
  });

  it("works once Service Connector and the database's administrator have granted it", async () => {
    expect(await program("deploy.ts", ["connect"])).toEqual({
      connection:
        "dbname=restaurant host=flask-reviews-db.postgres.database.azure.com port=5432 sslmode=require user=aad_database",
      endpoint: "https://flaskreviews.blob.core.windows.net/",
    });
    await expect.poll(async () => (await visit({ url: `${site}/` })).status, { timeout: 60_000 }).toBe(200);
    const restaurant = await visit({
      url: `${site}/add`,
      form: { restaurant_name: "Chez <Ada>", street_address: "1 Main St", description: "Soup" },
    });
    expect(restaurant).toMatchObject({ status: 200, url: `${site}/1` });
    expect(restaurant.text).toContain("Chez &lt;Ada&gt;");
    const reviewed = await visit(review(`${site}/review/1`));
    expect(reviewed.text).toContain("Ada: 4 of 5. Good soup");
    expect((await visit({ url: `${site}/` })).text).toContain("1 reviews, 4.0");
  });

  const photo = async (): Promise<Page> => {
    const { text } = await visit({ url: `${site}/1` });
    const url = /<img\s+src="([^"]+)"/.exec(text)?.[1] ?? "";
    expect(url.startsWith(`${photos}/`)).toBe(true);
    return visit({ url });
  };

  it("shows the photo to anybody, straight from the storage account", async () => {
    expect(await photo()).toMatchObject({ status: 200, type: "image/png", base64: png });
    expect(tenant.decisions.at(-1)).toMatchObject({ service: "blob", caller: { kind: "anonymous" } });
  });

  it("has its reviews and photos after a restart of the tenant", async () => {
    await tenant.close();
    tenant = await startTenant({ state });
    await expect.poll(async () => (await visit({ url: `${site}/1` })).status, { timeout: 60_000 }).toBe(200);
    expect((await visit({ url: `${site}/1` })).text).toContain("Good soup");
    expect(await photo()).toMatchObject({ status: 200, base64: png });
  });

  it("leaves no failure of ours behind", () => expect(tenant.failures).toEqual([]));
});
