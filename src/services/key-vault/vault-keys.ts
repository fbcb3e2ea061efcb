import { armFault } from "../../arm/faults.ts";
import { isObject, type JsonObject, objectOf, textOf } from "../../arm/record.ts";
import { parentOf } from "../../arm/resource-id.ts";
import type { ResourceType } from "../../arm/resource-type.ts";
import { json } from "../../kernel/message.ts";
import { tagsOf } from "./attributes.ts";
import type { VersionRecord } from "./engine.ts";
import { familyOf } from "./key-material.ts";
import { createKey } from "./keys.ts";
import type { Renewal } from "./renewal.ts";
import { objectId } from "./target.ts";
import { type ChildDependencies, currentVersions, shownAttributes, vaultAt } from "./vault-children.ts";
import { type Vault, listOf, vaultType } from "./vault.ts";
import { apiVersions } from "./vault-type.ts";

const shown = (vault: Vault, version: VersionRecord): JsonObject => {
  const { kty, key_ops: operations, crv, n } = version.open ?? {};
  const family = familyOf(textOf(kty));
  return {
    id: `${vault.id}/keys/${version.name}`,
    name: version.name,
    type: `${vaultType}/keys`,
    location: vault.location,
    tags: version.tags ?? {},
    properties: {
      attributes: { ...shownAttributes(version), exportable: false },
      kty,
      keyOps: listOf(operations),
      ...(family === "EC" ? { curveName: crv } : {}),
      ...(family === "RSA" ? { keySize: Buffer.from(textOf(n), "base64url").length * 8 } : {}),
      keyUri: objectId(vault, "keys", version.name),
      keyUriWithVersion: objectId(vault, "keys", version.name, version.version),
    },
  };
};

/** `vaults/keys`: made with the ARM right alone, as templates do. A key that exists stays as it is, as in Azure. */
export const keysType = ({
  resources,
  engine,
  renewal,
}: Pick<ChildDependencies, "resources" | "engine"> & { readonly renewal: Renewal }): ResourceType => ({
  type: `${vaultType}/keys`,
  apiVersions,
  at: "group",
  tracked: false,
  source: {
    ...currentVersions("keys", { resources, engine }, shown, (uid) => renewal.settle(uid)),
    put: async (call, id, name) => {
      if (!/^[0-9a-zA-Z-]{1,127}$/.test(name))
        throw armFault("invalidName", { name: name.slice(0, 130), rule: "Use 1 to 127 letters, digits and hyphens." });
      const body = await call.body.json();
      const vault = await vaultAt(parentOf(id), resources);
      const existing = await engine.read(vault.uid).find("keys", name);
      if (existing !== undefined) return json(shown(vault, existing.version));
      const asked = isObject(body) ? objectOf(body["properties"]) : {};
      const tags = isObject(body) ? tagsOf(body) : undefined;
      const version = await createKey(engine, vault, name, {
        kty: asked["kty"],
        key_size: asked["keySize"],
        crv: asked["curveName"],
        key_ops: asked["keyOps"],
        attributes: asked["attributes"],
        ...(asked["release_policy"] === undefined ? {} : { release_policy: asked["release_policy"] }),
        ...(tags === undefined ? {} : { tags }),
      });
      return json(shown(vault, version), 200);
    },
  },
});
