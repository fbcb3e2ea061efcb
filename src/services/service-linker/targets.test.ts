import { expect, it } from "vitest";
import { targetOf } from "./targets.ts";

it("an id that would end a path early names no target", () => {
  const group = "/subscriptions/s/resourceGroups/g";
  const vault = `${group}/providers/Microsoft.KeyVault/vaults/kv1`;
  expect(targetOf(vault)).toEqual({ kind: "vault", resourceId: vault, vault: "kv1" });
  for (const id of [
    `${vault}?x=`,
    `${vault}#x`,
    `${group}?x=/providers/Microsoft.KeyVault/vaults/kv1`,
    `${group}/providers/Microsoft.Storage/storageAccounts/a?x=/blobServices/default`,
    `${group}/providers/Microsoft.DBforPostgreSQL/flexibleServers/a/databases/d?x=`,
  ])
    expect([id, targetOf(id)]).toEqual([id, undefined]);
});
