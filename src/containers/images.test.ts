import { expect, it } from "vitest";
import { isAzureRegistry } from "./images.ts";

it("a registry of Azure is one in every spelling of its host", () => {
  for (const image of [
    "acme.azurecr.io/app:1",
    "ACME.azurecr.io/a/b",
    "acme.azurecr.io:443/app:1",
    "acme.azurecr.io./app",
  ])
    expect([image, isAzureRegistry(image)]).toEqual([image, true]);
  for (const image of [
    "app:1",
    "azurecr.io-mirror.example/app",
    "docker.io/azurecr.io/app",
    "ghcr.io/acme.azurecr.io/app",
  ])
    expect([image, isAzureRegistry(image)]).toEqual([image, false]);
});
