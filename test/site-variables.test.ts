import { expect, it } from "vitest";
import { startTenant } from "../src/testing/start-tenant.ts";

it("a site's settings reach a local command that runs as the site, under both of their names", async () => {
  await using tenant = await startTenant();
  const group = `/subscriptions/${tenant.subscriptionId}/resourceGroups/rg`;
  const web = `${group}/providers/Microsoft.Web`;
  const put = async (path: string, body: unknown): Promise<void> => {
    expect(await tenant.arm("PUT", `${path}?api-version=2024-04-01`, body)).toMatchObject({
      status: expect.toSatisfy((status) => status < 300),
    });
  };
  await put(group, { location: "eastus" });
  await put(`${web}/serverfarms/plan`, {
    location: "eastus",
    kind: "linux",
    sku: { name: "B1" },
    properties: { reserved: true },
  });
  await put(`${web}/sites/reviews`, {
    location: "eastus",
    kind: "app,linux",
    identity: { type: "SystemAssigned" },
    properties: {
      serverFarmId: `${web}/serverfarms/plan`,
      siteConfig: {
        linuxFxVersion: "NODE|24-lts",
        appSettings: [{ name: "AZURE_STORAGEBLOB_RESOURCEENDPOINT", value: "https://acme.blob.core.windows.net/" }],
      },
    },
  });
  const variables = await tenant.environment({ as: "reviews" });
  expect(variables).toMatchObject({
    AZURE_STORAGEBLOB_RESOURCEENDPOINT: "https://acme.blob.core.windows.net/",
    APPSETTING_AZURE_STORAGEBLOB_RESOURCEENDPOINT: "https://acme.blob.core.windows.net/",
    WEBSITE_SITE_NAME: "reviews",
    // msrestazure looks for this one to know that it is on App Service.
    APPSETTING_WEBSITE_SITE_NAME: "reviews",
    IDENTITY_HEADER: expect.stringMatching(/^[0-9a-f]{64}$/),
  });
});
