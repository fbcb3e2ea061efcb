import type { JsonObject } from "../../arm/record.ts";
import { json } from "../../kernel/message.ts";
import { dataActions } from "./actions.ts";
import { attributesOf, readAttributes, tagsOf, textIn } from "./attributes.ts";
import type { Engine, Shelf, VersionRecord } from "./engine.ts";
import { vaultFault } from "./faults.ts";
import { addVersion, lifecycleOperations, requireFound, type Shape } from "./lifecycle.ts";
import { readObject } from "./request.ts";
import { nameIn, objectId, type VaultCall, vaultOperation, type VaultOperation, versionIn } from "./target.ts";

/** https://learn.microsoft.com/azure/key-vault/secrets/about-secrets: 25 KB of value, 255 characters of content type. */
const longestValue = 25_600;

const item = (call: VaultCall, version: VersionRecord, path: readonly string[] = []): JsonObject => ({
  id: objectId(call.target.vault, "secrets", version.name, ...path),
  ...(version.contentType === undefined ? {} : { contentType: version.contentType }),
  attributes: attributesOf(call, version),
  ...(version.tags === undefined ? {} : { tags: version.tags }),
  ...(version.managed === true ? { managed: true } : {}),
});

/** The secret without its value. */
const bundle = (call: VaultCall, version: VersionRecord): JsonObject => ({
  ...item(call, version, [version.version]),
  ...(version.managed === true ? { kid: objectId(call.target.vault, "keys", version.name, version.version) } : {}),
});

/** With its value: answers of set and get only. */
const withValue = (call: VaultCall, version: VersionRecord): JsonObject => ({
  value: version.value ?? "",
  ...bundle(call, version),
});

export const secretShape: Shape = {
  kind: "secrets",
  title: "Secret",
  actions: {
    list: dataActions.readSecretMetadata,
    getDeleted: dataActions.readSecretMetadata,
    delete: dataActions.deleteSecret,
    recover: dataActions.recoverSecret,
    purge: dataActions.purgeSecret,
    backup: dataActions.backupSecret,
    restore: dataActions.restoreSecret,
  },
  // Lists of versions name each version, lists of secrets the secret; both go by the address that was asked for.
  item: (call, version) => item(call, version, call.parameters["name"] === undefined ? [] : [version.version]),
  bundle: (call, { version }) => bundle(call, version),
};

/** A new version of a secret from a body. Shared by the data plane and ARM's `vaults/secrets`. */
export const setSecret = async (
  engine: Engine,
  shelf: Shelf,
  name: string,
  body: JsonObject,
): Promise<VersionRecord> => {
  const value = textIn(body, "value", Number.MAX_SAFE_INTEGER);
  if (value === undefined) throw vaultFault("required", { name: "value" });
  if (Buffer.byteLength(value) > longestValue)
    throw vaultFault("invalid", { name: "value", why: `It takes ${longestValue} bytes.` });
  const contentType = textIn(body, "contentType", 255);
  const tags = tagsOf(body);
  const now = engine.seconds();
  const { version } = await addVersion(shelf, secretShape, {
    kind: "secrets",
    name,
    version: engine.newVersion(),
    created: now,
    updated: now,
    enabled: true,
    ...readAttributes(body),
    ...(contentType === undefined ? {} : { contentType }),
    ...(tags === undefined ? {} : { tags }),
    value,
  });
  return version;
};

export const secretOperations = (engine: Engine): readonly VaultOperation[] => {
  const get = (path: string): VaultOperation =>
    vaultOperation({
      name: "GetSecret",
      method: "GET",
      path,
      policy: { kind: "secrets", anyOf: ["get"] },
      needs: { data: dataActions.getSecret },
      handle: async (call) => {
        const { version } = await requireFound(
          engine.read(call.target.vault.uid),
          secretShape,
          nameIn(call),
          versionIn(call),
        );
        // nbf and exp only inform (learn.microsoft.com/azure/key-vault/secrets/about-secrets#secret-attributes).
        if (!version.enabled)
          throw vaultFault(
            "disabled",
            { operation: "get", what: "secret" },
            { detail: { innererror: { code: "SecretDisabled" } } },
          );
        return json(withValue(call, version));
      },
    });
  const update = (path: string): VaultOperation =>
    vaultOperation({
      name: "UpdateSecret",
      method: "PATCH",
      path,
      policy: { kind: "secrets", anyOf: ["set"] },
      needs: { data: dataActions.updateSecret },
      handle: async (call) => {
        const body = await readObject(call);
        const contentType = textIn(body, "contentType", 255);
        const tags = tagsOf(body);
        const asked = readAttributes(body);
        const changed = await engine.write(call.target.vault.uid, async (shelf) => {
          const { version } = await requireFound(shelf, secretShape, nameIn(call), versionIn(call));
          const next = {
            ...version,
            ...asked,
            ...(contentType === undefined ? {} : { contentType }),
            ...(tags === undefined ? {} : { tags }),
            updated: engine.seconds(),
          };
          await shelf.putVersion(next);
          return next;
        });
        return json(bundle(call, changed));
      },
    });
  return [
    vaultOperation({
      name: "SetSecret",
      method: "PUT",
      path: "/secrets/:name",
      policy: { kind: "secrets", anyOf: ["set"] },
      needs: { data: dataActions.setSecret },
      handle: async (call) => {
        const body = await readObject(call);
        const made = await engine.write(call.target.vault.uid, (shelf) => setSecret(engine, shelf, nameIn(call), body));
        return json(withValue(call, made));
      },
    }),
    get("/secrets/:name"),
    get("/secrets/:name/:version"),
    update("/secrets/:name"),
    update("/secrets/:name/:version"),
    ...lifecycleOperations(engine, secretShape),
  ];
};
