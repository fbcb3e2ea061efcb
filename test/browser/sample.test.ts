/**
 * The restaurant-review sample in a real Chromium, as `npm start` deploys it and `lanyard open` shows it: a profile of its
 * own that trusts the tenant's intermediate by its public key and nothing more.
 */
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type BrowserContext, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { browserArguments } from "../../src/cli/commands/open.ts";
import { controlClient } from "../../src/control/client.ts";
import type { AppSummary } from "../../src/control/protocol.ts";
import { locate, thisMachine } from "../../src/control/state-folder.ts";
import { openCertificates } from "../../src/edge/certificates.ts";
import { openSandbox, type Running, type Sandbox, until } from "../cli/support.ts";
import { needs, requireTool } from "../support/skip.ts";
import { photo } from "./photo.ts";

const startLimit = 240_000;

/** Of an HTMLImageElement, in the browser. */
interface ShownImage {
  readonly complete: boolean;
  readonly currentSrc: string;
  readonly naturalWidth: number;
}

needs("chromium")("the sample in a browser", () => {
  let sandbox: Sandbox;
  let tenant: Running;
  let browser: BrowserContext;
  let app: AppSummary;

  /** `npm start` without npm, and a browser on what it started. */
  const begin = async (): Promise<void> => {
    tenant = sandbox.start(["start", "--port", "0"]);
    await until(() => {
      if (tenant.child.exitCode !== null) throw new Error(`It ended:\n${tenant.out()}\n${tenant.err()}`);
      return tenant.out().includes("is ready on");
    }, startLimit);
    const place = locate({ ...thisMachine(), env: sandbox.env }, sandbox.state);
    const grant = await controlClient(place.socket).browser();
    const found = grant.apps[0];
    if (found === undefined) throw new Error("The tenant has no app.");
    app = found;
    browser = await chromium.launchPersistentContext(grant.profile, {
      executablePath: requireTool("chromium"),
      // Chromium has no sandbox for root.
      args: [...(process.getuid?.() === 0 ? ["--no-sandbox"] : []), ...optionsOnly(browserArguments(grant))],
      viewport: { width: 1100, height: 900 },
    });
  };
  const end = async (): Promise<void> => {
    await browser.close();
    tenant.child.kill("SIGINT");
    expect((await tenant.finished).code).toBe(0);
  };

  beforeAll(async () => {
    sandbox = openSandbox();
    await begin();
  }, startLimit);
  afterAll(async () => {
    await browser?.close();
    await sandbox.close();
  });

  const open = async (address: string): Promise<Page> => {
    const page = await browser.newPage();
    // The profile outlives a restart, and its cache must not stand in for the storage account.
    await (await browser.newCDPSession(page)).send("Network.setCacheDisabled", { cacheDisabled: true });
    const answer = await page.goto(address);
    expect(answer?.status()).toBe(200);
    return page;
  };
  const post = async (page: Page, by: string, rating: number, text: string): Promise<void> => {
    await page.locator(`input[name="rating"][value="${rating}"]`).check({ force: true });
    await page.getByLabel("Your name").fill(by);
    await page.getByRole("textbox", { name: "Your review" }).fill(text);
    await page
      .locator('input[type="file"]')
      .setInputFiles({ name: "soup.png", mimeType: "image/png", buffer: photo(320, 240) });
    await page.getByRole("button", { name: "Post review" }).click();
    await page.getByText(text).waitFor();
  };
  /** Where the photo of a review comes from, and its width once it is shown. */
  const shownPhoto = async (page: Page, by: string): Promise<{ readonly url: string; readonly width: number }> => {
    const image = page.getByAltText(`Photo by ${by}`);
    await image.scrollIntoViewIfNeeded();
    await expect.poll(() => image.evaluate((each: ShownImage) => each.complete)).toBe(true);
    return image.evaluate((each: ShownImage) => ({ url: each.currentSrc, width: each.naturalWidth }));
  };
  const screenshot = async (page: Page, name: string): Promise<void> => {
    const folder = process.env["LANYARD_SCREENSHOTS"];
    if (folder === undefined) return;
    mkdirSync(folder, { recursive: true });
    await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
  };
  const accountPhoto = /^https:\/\/[a-z0-9]{3,24}\.blob\.core\.windows\.net\/photos\//;

  it("takes a restaurant and a review, and shows its photo from the storage account's own address", async () => {
    expect(app.productionUrl).toMatch(/^https:\/\/[\w-]+\.azurewebsites\.net$/);
    const page = await open(`${app.productionUrl}/`);
    await page.getByRole("link", { name: "Add", exact: false }).first().click();
    await page.getByLabel("Name").fill("Chez <b>Ada</b>");
    await page.getByLabel("Street address").fill("1 Main Street");
    await page.getByLabel("Description").fill("Soup of the day");
    await page.getByRole("button", { name: "Add restaurant" }).click();
    await page.getByRole("heading", { name: "Chez <b>Ada</b>" }).waitFor();
    await post(page, "Grace", 5, "The soup was excellent.");
    const { url, width } = await shownPhoto(page, "Grace");
    expect(url).toMatch(accountPhoto);
    expect(width).toBe(320);
    await screenshot(page, "restaurant");
  });

  it("is also there on an address that any browser opens", async () => {
    const page = await open(`${app.url}/`);
    await page.getByRole("link", { name: "Chez <b>Ada</b>" }).click();
    await post(page, "Alan", 4, "Good, and warm.");
    expect((await shownPhoto(page, "Alan")).width).toBe(320);
    await page.goto(`${app.url}/`);
    await page.getByText("2 reviews").first().waitFor();
    await screenshot(page, "list");
  });

  it("reaches no Azure host that the tenant does not have", async () => {
    const page = await browser.newPage();
    await expect(page.goto("https://example.blob.core.windows.net/")).rejects.toThrow("ERR_TUNNEL_CONNECTION_FAILED");
  });

  it("does not trust the certificates of another tenant", async () => {
    const { server } = await openCertificates({ folder: join(sandbox.folder, "other") });
    const other = createServer(server, (_request, response) => response.end("other")).listen(0, "127.0.0.1");
    await once(other, "listening");
    try {
      const { port } = other.address() as AddressInfo;
      const page = await browser.newPage();
      await expect(page.goto(`https://localhost:${port}/`)).rejects.toThrow("ERR_CERT_AUTHORITY_INVALID");
    } finally {
      other.close();
    }
  });

  it(
    "has its reviews and photos after a restart",
    async () => {
      await end();
      await begin();
      const page = await open(`${app.productionUrl}/`);
      await page.getByRole("link", { name: "Chez <b>Ada</b>" }).click();
      for (const by of ["Grace", "Alan"]) {
        const { url, width } = await shownPhoto(page, by);
        expect(url).toMatch(accountPhoto);
        expect(width).toBe(320);
      }
      await screenshot(page, "after-restart");
    },
    startLimit,
  );
});

/** Playwright names the profile itself. */
const optionsOnly = (args: readonly string[]): string[] => args.filter((arg) => !arg.startsWith("--user-data-dir="));
