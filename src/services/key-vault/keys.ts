import type { JsonObject } from "../../arm/record.ts";
import { notBuilt } from "../../kernel/fault.ts";
import { json } from "../../kernel/message.ts";
import { dataActions } from "./actions.ts";
import { attributesOf, readAttributes, tagsOf } from "./attributes.ts";
import type { Engine, ObjectRecord, Shelf, VersionRecord } from "./engine.ts";
import { vaultFault } from "./faults.ts";
import { importKey, makeKey, type Material, readOperations, readType, readWish } from "./key-material.ts";
import { addVersion, lifecycleOperations, requireFound, type Shape } from "./lifecycle.ts";
import { isAtLeast, readObject } from "./request.ts";
import { nameIn, objectId, type VaultCall, vaultOperation, type VaultOperation, versionIn } from "./target.ts";
import type { Vault } from "./vault.ts";

const keyAttributes = (call: VaultCall, version: VersionRecord): JsonObject => ({
  ...attributesOf(call, version),
  ...(isAtLeast(call, "7.3") ? { exportable: false } : {}),
  ...(isAtLeast(call, "7.5") ? { hsmPlatform: "0" } : {}),
});

const shared = (call: VaultCall, version: VersionRecord): JsonObject => ({
  attributes: keyAttributes(call, version),
  ...(version.tags === undefined ? {} : { tags: version.tags }),
  ...(version.managed === true ? { managed: true } : {}),
});

const bundle = (call: VaultCall, version: VersionRecord): JsonObject => ({
  key: { kid: objectId(call.target.vault, "keys", version.name, version.version), ...version.open },
  ...shared(call, version),
});

export const keyShape: Shape = {
  kind: "keys",
  title: "Key",
  actions: {
    list: dataActions.readKey,
    getDeleted: dataActions.readKey,
    delete: dataActions.deleteKey,
    recover: dataActions.recoverKey,
    purge: dataActions.purgeKey,
    backup: dataActions.backupKey,
    restore: dataActions.restoreKey,
  },
  item: (call, version) => ({
    kid: objectId(
      call.target.vault,
      "keys",
      version.name,
      ...(call.parameters["name"] === undefined ? [] : [version.version]),
    ),
    ...shared(call, version),
  }),
  bundle: (call, { version }) => bundle(call, version),
};

/** A key that could leave the vault needs attestation, which only Azure's own hardware gives. */
const refuseRelease = (body: JsonObject): void => {
  const attributes = body["attributes"];
  const exportable =
    typeof attributes === "object" &&
    attributes !== null &&
    "exportable" in attributes &&
    attributes["exportable"] === true;
  const policy = body["release_policy"] ?? undefined;
  if (exportable || policy !== undefined) throw notBuilt("An exportable key with a release policy", 400);
};

/** A new version of a key. `-HSM` kinds need a premium vault, as in Azure. */
export const newKeyVersion = (
  engine: Engine,
  name: string,
  { jwk, secret }: Material,
  operations: readonly string[],
): VersionRecord => {
  const now = engine.seconds();
  return {
    kind: "keys",
    name,
    version: engine.newVersion(),
    created: now,
    updated: now,
    enabled: true,
    open: { ...jwk, key_ops: operations },
    value: secret,
  };
};

const requireSku = (vault: Vault, type: string): void => {
  if (type.endsWith("-HSM") && !vault.premium)
    throw vaultFault("invalid", { name: "kty", why: `${type} needs a vault of sku premium.` });
};

export const createKey = async (
  engine: Engine,
  vault: Vault,
  name: string,
  body: JsonObject,
): Promise<VersionRecord> => {
  const wish = readWish(body);
  requireSku(vault, wish.type);
  refuseRelease(body);
  const operations = readOperations(body["key_ops"], wish.type);
  const tags = tagsOf(body);
  const attributes = readAttributes(body);
  // Made before the transaction, which may run again.
  const made = {
    ...newKeyVersion(engine, name, await makeKey(wish, engine.ids), operations),
    ...attributes,
    ...(tags === undefined ? {} : { tags }),
  };
  return (await engine.write(vault.uid, (shelf) => addVersion(shelf, keyShape, made))).version;
};

const importOne = async (engine: Engine, vault: Vault, name: string, body: JsonObject): Promise<VersionRecord> => {
  if (body["Hsm"] === true && !vault.premium)
    throw vaultFault("invalid", { name: "Hsm", why: "It needs a vault of sku premium." });
  refuseRelease(body);
  const material = importKey(body["key"]);
  const type = readType(material.jwk["kty"]);
  requireSku(vault, type);
  const key = body["key"] as JsonObject;
  const tags = tagsOf(body);
  const made = {
    ...newKeyVersion(engine, name, material, readOperations(key["key_ops"], type)),
    ...readAttributes(body),
    ...(tags === undefined ? {} : { tags }),
  };
  return (await engine.write(vault.uid, (shelf) => addVersion(shelf, keyShape, made))).version;
};

const updateKey = async (engine: Engine, call: VaultCall, body: JsonObject): Promise<VersionRecord> => {
  refuseRelease(body);
  const tags = tagsOf(body);
  const asked = readAttributes(body);
  return engine.write(call.target.vault.uid, async (shelf) => {
    const { version } = await requireFound(shelf, keyShape, nameIn(call), versionIn(call));
    const operations = body["key_ops"] ?? undefined;
    const next: VersionRecord = {
      ...version,
      ...asked,
      ...(tags === undefined ? {} : { tags }),
      ...(operations === undefined
        ? {}
        : { open: { ...version.open, key_ops: readOperations(operations, readType(version.open?.["kty"])) } }),
      updated: engine.seconds(),
    };
    await shelf.putVersion(next);
    return next;
  });
};

/** Keeps what a kind remembers beside its versions. */
export const putExtra = async (shelf: Shelf, object: ObjectRecord, extra: JsonObject): Promise<void> =>
  shelf.putObject("live", { ...object, extra: { ...object.extra, ...extra } });

export const keyOperations = (engine: Engine): readonly VaultOperation[] => {
  const policy = (...anyOf: readonly string[]) => ({ kind: "keys" as const, anyOf });
  const get = (path: string): VaultOperation =>
    vaultOperation({
      name: "GetKey",
      method: "GET",
      path,
      policy: policy("get"),
      needs: { data: dataActions.readKey },
      handle: async (call) => {
        const shelf = engine.read(call.target.vault.uid);
        return json(bundle(call, (await requireFound(shelf, keyShape, nameIn(call), versionIn(call))).version));
      },
    });
  const update = (path: string): VaultOperation =>
    vaultOperation({
      name: "UpdateKey",
      method: "PATCH",
      path,
      policy: policy("update"),
      needs: { data: dataActions.updateKey },
      handle: async (call) => json(bundle(call, await updateKey(engine, call, await readObject(call)))),
    });
  return [
    vaultOperation({
      name: "CreateKey",
      method: "POST",
      path: "/keys/:name/create",
      policy: policy("create"),
      needs: { data: dataActions.createKey },
      handle: async (call) =>
        json(bundle(call, await createKey(engine, call.target.vault, nameIn(call), await readObject(call)))),
    }),
    vaultOperation({
      name: "ImportKey",
      method: "PUT",
      path: "/keys/:name",
      policy: policy("import"),
      needs: { data: dataActions.importKey },
      handle: async (call) =>
        json(bundle(call, await importOne(engine, call.target.vault, nameIn(call), await readObject(call)))),
    }),
    get("/keys/:name"),
    get("/keys/:name/:version"),
    update("/keys/:name"),
    update("/keys/:name/:version"),
    ...lifecycleOperations(engine, keyShape),
  ];
};
