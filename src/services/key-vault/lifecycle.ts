/** What secrets, keys and certificates have in common: lists, soft delete, recovery, purge, backup and restore. */
import type { JsonObject } from "../../arm/record.ts";
import type { Call } from "../../kernel/call.ts";
import { empty, json } from "../../kernel/message.ts";
import type { ObjectKind, VaultDataAction } from "./actions.ts";
import { openBackup, sealBackup } from "./backup.ts";
import { textIn } from "./attributes.ts";
import type { Engine, Found, ObjectRecord, Shelf, State, VersionRecord } from "./engine.ts";
import { vaultFault } from "./faults.ts";
import { pageOf } from "./paging.ts";
import { readObject } from "./request.ts";
import { nameIn, objectId, type VaultCall, vaultOperation, type VaultOperation } from "./target.ts";

/** How a kind of object is called, granted and shown. */
export interface Shape {
  readonly kind: ObjectKind;
  /** As operation names and error codes spell it: `Secret`. */
  readonly title: "Secret" | "Key" | "Certificate";
  readonly actions: Readonly<
    Record<"list" | "delete" | "getDeleted" | "recover" | "purge" | "backup" | "restore", VaultDataAction>
  >;
  /** Kinds that live and die with it under the same name. */
  readonly companions?: readonly ObjectKind[];
  /** An item of a list. */
  item(call: VaultCall, version: VersionRecord): JsonObject;
  /** The whole object, without what is secret. */
  bundle(call: VaultCall, found: Found): JsonObject;
}

export const whatOf = (title: Shape["title"]): string => title.toLowerCase();

export const notFound = (title: Shape["title"], name: string): Error =>
  vaultFault("notFound", { kind: title, what: whatOf(title), name });

/** A live object's version. @throws Fault 404 */
export const requireFound = async (
  shelf: Shelf,
  { kind, title }: Pick<Shape, "kind" | "title">,
  name: string,
  version = "",
): Promise<Found> => {
  const found = await shelf.find(kind, name, version);
  if (found === undefined) throw notFound(title, version === "" ? name : `${name}/${version}`);
  return found;
};

/** Adds a version and makes it the current one. @throws Fault 409 when the name is taken by a deleted object */
export const addVersion = async (
  shelf: Shelf,
  shape: Pick<Shape, "kind" | "title">,
  version: VersionRecord,
  change: Partial<ObjectRecord> = {},
): Promise<Found> => {
  const { kind, name } = version;
  const existing = await requireName(shelf, shape, name, version.managed === true);
  const object: ObjectRecord = {
    ...existing,
    kind,
    name: existing?.name ?? name,
    ...(version.managed === true ? { managed: true } : {}),
    ...change,
    current: version.version,
  };
  const stored = { ...version, name: object.name };
  await shelf.putVersion(stored);
  await shelf.putObject("live", object);
  return { object, version: stored };
};

/** The live object of a name that may be written to. @throws Fault 409 deleted, 403 a certificate's */
export const requireName = async (
  shelf: Shelf,
  { kind, title }: Pick<Shape, "kind" | "title">,
  name: string,
  managed = false,
): Promise<ObjectRecord | undefined> => {
  await shelf.clear(kind, name);
  if ((await shelf.object("deleted", kind, name)) !== undefined)
    throw vaultFault(
      "isDeleted",
      { kind: title, what: whatOf(title), name },
      { detail: { innererror: { code: "ObjectIsDeletedButRecoverable" } } },
    );
  const existing = await shelf.object("live", kind, name);
  if (existing?.managed === true && !managed) throw vaultFault("managed", { what: whatOf(title), name });
  return existing;
};

/** A deleted object as answers show it. */
const deletedBundle = (call: VaultCall, shape: Shape, found: Found): JsonObject => ({
  ...shape.bundle(call, found),
  ...deletion(call, shape.kind, found.object),
});

const deletion = (call: Pick<VaultCall, "target">, kind: ObjectKind, { name, deleted }: ObjectRecord): JsonObject => ({
  recoveryId: objectId(call.target.vault, `deleted${kind}`, name),
  deletedDate: Math.floor((deleted?.at ?? 0) / 1000),
  scheduledPurgeDate: Math.floor((deleted?.purgeAt ?? 0) / 1000),
});

const vaultScope = (call: Call<{ readonly vault: { readonly id: string } }>): string => call.target.vault.id;

export const lifecycleOperations = (engine: Engine, shape: Shape): readonly VaultOperation[] => {
  const { kind, title, actions, companions = [] } = shape;
  const kinds = [kind, ...companions];
  const shelfOf = (call: VaultCall): Shelf => engine.read(call.target.vault.uid);
  const change = <R>(call: VaultCall, work: (shelf: Shelf) => Promise<R>): Promise<R> =>
    engine.write(call.target.vault.uid, work);
  const policy = (...anyOf: readonly string[]) => ({ kind, anyOf });
  const requireDeleted = async (shelf: Shelf, name: string): Promise<Found> => {
    const found = await shelf.find(kind, name, "", "deleted");
    if (found === undefined) throw vaultFault("deletedNotFound", { kind: title, name });
    return found;
  };
  const listed = (state: State, show: (call: VaultCall, found: Found) => JsonObject) => async (call: VaultCall) => {
    const shelf = shelfOf(call);
    return json(
      await pageOf(
        call,
        (after, limit) => shelf.objects(state, kind, after, limit),
        ({ name }) => name.toLowerCase(),
        async (object) => {
          const version = await shelf.version(kind, object.name, object.current);
          return version === undefined ? undefined : show(call, { object, version });
        },
      ),
    );
  };
  return [
    vaultOperation({
      name: `Get${title}s`,
      method: "GET",
      path: `/${kind}`,
      policy: policy("list"),
      needs: { data: actions.list, at: vaultScope },
      handle: listed("live", (call, { version }) => shape.item(call, version)),
    }),
    vaultOperation({
      name: `Get${title}Versions`,
      method: "GET",
      path: `/${kind}/:name/versions`,
      policy: policy("list"),
      needs: { data: actions.list },
      handle: async (call) => {
        const shelf = shelfOf(call);
        const name = nameIn(call);
        if ((await shelf.object("live", kind, name)) === undefined) throw notFound(title, name);
        return json(
          await pageOf(
            call,
            (after, limit) => shelf.versions(kind, name, after, limit),
            ({ version }) => version,
            (version) => shape.item(call, version),
          ),
        );
      },
    }),
    vaultOperation({
      name: `Delete${title}`,
      method: "DELETE",
      path: `/${kind}/:name`,
      policy: policy("delete"),
      needs: { data: actions.delete },
      handle: async (call) => {
        const removed = await change(call, async (shelf) => {
          const { object, version } = await requireFound(shelf, shape, nameIn(call));
          if (object.managed === true) throw vaultFault("managed", { what: whatOf(title), name: object.name });
          for (const companion of companions) {
            const beside = await shelf.object("live", companion, object.name);
            if (beside !== undefined) await shelf.remove(beside, call.target.vault);
          }
          return { object: await shelf.remove(object, call.target.vault), version };
        });
        return json(deletedBundle(call, shape, removed));
      },
    }),
    vaultOperation({
      name: `GetDeleted${title}s`,
      method: "GET",
      path: `/deleted${kind}`,
      policy: policy("list"),
      needs: { data: actions.list, at: vaultScope },
      handle: listed("deleted", (call, { object, version }) => ({
        ...shape.item(call, version),
        ...deletion(call, kind, object),
      })),
    }),
    vaultOperation({
      name: `GetDeleted${title}`,
      method: "GET",
      path: `/deleted${kind}/:name`,
      policy: policy("get"),
      needs: { data: actions.getDeleted },
      handle: async (call) => json(deletedBundle(call, shape, await requireDeleted(shelfOf(call), nameIn(call)))),
    }),
    vaultOperation({
      name: `RecoverDeleted${title}`,
      method: "POST",
      path: `/deleted${kind}/:name/recover`,
      policy: policy("recover"),
      needs: { data: actions.recover },
      handle: async (call) => {
        const found = await change(call, async (shelf) => {
          const deleted = await requireDeleted(shelf, nameIn(call));
          if (deleted.object.managed === true)
            throw vaultFault("managed", { what: whatOf(title), name: deleted.object.name });
          for (const each of kinds) {
            const object = await shelf.object("deleted", each, deleted.object.name);
            if (object !== undefined) await shelf.recover(object);
          }
          return deleted;
        });
        return json(shape.bundle(call, found));
      },
    }),
    vaultOperation({
      name: `PurgeDeleted${title}`,
      method: "DELETE",
      path: `/deleted${kind}/:name`,
      policy: policy("purge"),
      needs: { data: actions.purge },
      handle: async (call) => {
        if (call.target.vault.purgeProtection) throw vaultFault("purgeProtected");
        await change(call, async (shelf) => {
          const { object } = await requireDeleted(shelf, nameIn(call));
          if (object.managed === true) throw vaultFault("managed", { what: whatOf(title), name: object.name });
          for (const each of kinds) await shelf.purge(each, object.name);
        });
        return empty(204);
      },
    }),
    vaultOperation({
      name: `Backup${title}`,
      method: "POST",
      path: `/${kind}/:name/backup`,
      policy: policy("backup"),
      needs: { data: actions.backup },
      handle: async (call) => {
        const shelf = shelfOf(call);
        const { object } = await requireFound(shelf, shape, nameIn(call));
        // Restored without its certificate, nobody could delete it.
        if (object.managed === true) throw vaultFault("managed", { what: whatOf(title), name: object.name });
        const objects: ObjectRecord[] = [];
        const versions: VersionRecord[] = [];
        for (const each of kinds) {
          const kept = await shelf.object("live", each, object.name);
          if (kept === undefined) continue;
          objects.push(kept);
          versions.push(...(await shelf.versions(each, object.name)));
        }
        return json({ value: await sealBackup(engine, kind, { objects, versions }) });
      },
    }),
    vaultOperation({
      name: `Restore${title}`,
      method: "POST",
      path: `/${kind}/restore`,
      policy: policy("restore"),
      needs: { data: actions.restore, at: vaultScope },
      bodyLimit: 16 * 1024 * 1024,
      handle: async (call) => {
        const blob = textIn(await readObject(call), "value", 16 * 1024 * 1024);
        if (blob === undefined) throw vaultFault("required", { name: "value" });
        const { objects, versions } = await openBackup(engine, kind, blob);
        const name = objects[0]?.name ?? "";
        const found = await change(call, async (shelf) => {
          for (const each of kinds)
            if ((await requireName(shelf, { kind: each, title }, name, true)) !== undefined)
              throw vaultFault("exists", { what: whatOf(title), name });
          for (const version of versions) await shelf.putVersion(version);
          for (const object of objects) await shelf.putObject("live", object);
          return requireFound(shelf, shape, name);
        });
        return json(shape.bundle(call, found));
      },
    }),
  ];
};
