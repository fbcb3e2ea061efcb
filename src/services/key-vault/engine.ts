/**
 * The objects of vaults: named things with versions, soft delete and paging, the same for secrets, keys and certificates.
 * Knows nothing of who may do what, and nothing of what a version's value means.
 */
import type { JsonObject } from "../../arm/record.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Ids } from "../../kernel/ids.ts";
import type { Collection, CollectionSpec, Scope, Store } from "../../store/store.ts";
import type { ObjectKind } from "./actions.ts";
import type { Vault } from "./vault.ts";

/** A named object. It stands under `live/` or `deleted/`, so that either list is one range of keys. */
export interface ObjectRecord {
  readonly kind: ObjectKind;
  readonly name: string;
  /** Version that an address without one means. */
  readonly current: string;
  /** It belongs to the certificate of the same name. */
  readonly managed?: boolean;
  /** Milliseconds, tenant clock. */
  readonly deleted?: { readonly at: number; readonly purgeAt: number };
  /** What a kind keeps beside its versions: a key's rotation policy, a certificate's policy. */
  readonly extra?: JsonObject;
}

/** What a vault keeps that is no object: pending certificates, issuers, contacts. */
export interface SideRecord {
  readonly value: JsonObject;
  /** Key of a pending certificate, password of an issuer. Sealed at rest. */
  readonly secret?: string;
}

export interface VersionRecord {
  readonly kind: ObjectKind;
  readonly name: string;
  readonly version: string;
  /** Seconds, tenant clock. */
  readonly created: number;
  readonly updated: number;
  readonly enabled: boolean;
  readonly nbf?: number;
  readonly exp?: number;
  readonly tags?: Readonly<Record<string, string>>;
  readonly contentType?: string;
  readonly managed?: boolean;
  /** What anybody with the right to read metadata may see: public key, certificate. */
  readonly open?: JsonObject;
  /** The secret itself: a secret's value, a private key. Sealed at rest. */
  readonly value?: string;
}

export interface Found {
  readonly object: ObjectRecord;
  readonly version: VersionRecord;
}

export type State = "live" | "deleted";

const objectSpec: CollectionSpec<ObjectRecord> = { name: "vault-objects" };
const sideSpec: CollectionSpec<SideRecord> = { name: "vault-side", sealed: ["secret"] };
const versionSpec: CollectionSpec<VersionRecord> = { name: "vault-versions", sealed: ["value"] };

const partitionOf = (uid: string): string => `vault/${uid}`;
const objectKey = (state: State, kind: ObjectKind, name: string): string => `${state}/${kind}/${name.toLowerCase()}`;
const versionPrefix = (kind: ObjectKind, name: string): string => `${kind}/${name.toLowerCase()}/`;
const versionKey = (kind: ObjectKind, name: string, version: string): string =>
  `${versionPrefix(kind, name)}${version.toLowerCase()}`;

const all = 1_000_000;

/** Reads and writes the objects of one vault, in or outside a transaction. */
export class Shelf {
  readonly #objects: Collection<ObjectRecord>;
  readonly #versions: Collection<VersionRecord>;
  readonly #side: Collection<SideRecord>;
  readonly #partition: string;
  readonly #clock: Clock;
  /** True once an object of a kind that renews by itself was written. */
  wroteRenewing = false;

  constructor(scope: Scope, uid: string, clock: Clock) {
    this.#objects = scope.collection(objectSpec);
    this.#versions = scope.collection(versionSpec);
    this.#side = scope.collection(sideSpec);
    this.#partition = partitionOf(uid);
    this.#clock = clock;
  }

  /** The object in a state. A deleted one whose time is over does not count. */
  async object(state: State, kind: ObjectKind, name: string): Promise<ObjectRecord | undefined> {
    const found = (await this.#objects.get(this.#partition, objectKey(state, kind, name)))?.value;
    return found !== undefined && this.isOver(found) ? undefined : found;
  }

  async version(kind: ObjectKind, name: string, version: string): Promise<VersionRecord | undefined> {
    return (await this.#versions.get(this.#partition, versionKey(kind, name, version)))?.value;
  }

  /** A version of a live object; the current one when none is named. */
  async find(kind: ObjectKind, name: string, version = "", state: State = "live"): Promise<Found | undefined> {
    const object = await this.object(state, kind, name);
    if (object === undefined) return undefined;
    const found = await this.version(kind, name, version === "" ? object.current : version);
    return found === undefined ? undefined : { object, version: found };
  }

  async putObject(state: State, object: ObjectRecord): Promise<void> {
    this.wroteRenewing ||= object.kind !== "secrets";
    await this.#objects.put(this.#partition, objectKey(state, object.kind, object.name), object);
  }

  async putVersion(version: VersionRecord): Promise<void> {
    await this.#versions.put(this.#partition, versionKey(version.kind, version.name, version.version), version);
  }

  /** Moves a live object among the deleted. */
  async remove(object: ObjectRecord, vault: Vault): Promise<ObjectRecord> {
    const at = this.#clock.now();
    const deleted = { ...object, deleted: { at, purgeAt: at + vault.retentionDays * 86_400_000 } };
    await this.#objects.delete(this.#partition, objectKey("live", object.kind, object.name));
    await this.putObject("deleted", deleted);
    return deleted;
  }

  async recover({ deleted: _deleted, ...object }: ObjectRecord): Promise<void> {
    await this.#objects.delete(this.#partition, objectKey("deleted", object.kind, object.name));
    await this.putObject("live", object);
  }

  /** Forgets a deleted object and all its versions. */
  async purge(kind: ObjectKind, name: string): Promise<void> {
    await this.#objects.delete(this.#partition, objectKey("deleted", kind, name));
    for (const { value } of await this.#versions.list(this.#partition, {
      prefix: versionPrefix(kind, name),
      limit: all,
    }))
      await this.#versions.delete(this.#partition, versionKey(kind, name, value.version));
  }

  /** Purges a deleted object whose time is over, so that its name is free. */
  async clear(kind: ObjectKind, name: string): Promise<void> {
    const left = (await this.#objects.get(this.#partition, objectKey("deleted", kind, name)))?.value;
    if (left !== undefined && this.isOver(left)) await this.purge(kind, name);
  }

  /** Objects in name order, after a name. */
  async objects(state: State, kind: ObjectKind, after: string, limit: number): Promise<readonly ObjectRecord[]> {
    const prefix = `${state}/${kind}/`;
    const page: ObjectRecord[] = [];
    let last = after;
    while (page.length < limit) {
      const entries = await this.#objects.list(this.#partition, {
        prefix,
        ...(last === "" ? {} : { after: `${prefix}${last}` }),
        limit,
      });
      page.push(...entries.map(({ value }) => value).filter((value) => !this.isOver(value)));
      const end = entries.at(-1);
      if (end === undefined || entries.length < limit) break;
      last = end.key.slice(prefix.length);
    }
    return page.slice(0, limit);
  }

  async versions(kind: ObjectKind, name: string, after = "", limit = all): Promise<readonly VersionRecord[]> {
    const prefix = versionPrefix(kind, name);
    const entries = await this.#versions.list(this.#partition, {
      prefix,
      ...(after === "" ? {} : { after: `${prefix}${after}` }),
      limit,
    });
    return entries.map(({ value }) => value);
  }

  async side(key: string): Promise<SideRecord | undefined> {
    return (await this.#side.get(this.#partition, key.toLowerCase()))?.value;
  }

  async putSide(key: string, record: SideRecord): Promise<void> {
    await this.#side.put(this.#partition, key.toLowerCase(), record);
  }

  async deleteSide(key: string): Promise<void> {
    await this.#side.delete(this.#partition, key.toLowerCase());
  }

  /** Records below a prefix, after a name. */
  async sides(prefix: string, after: string, limit: number): Promise<readonly SideRecord[]> {
    const range = { prefix, limit, ...(after === "" ? {} : { after: `${prefix}${after}` }) };
    return (await this.#side.list(this.#partition, range)).map(({ value }) => value);
  }

  private isOver(object: ObjectRecord): boolean {
    return object.deleted !== undefined && object.deleted.purgeAt <= this.#clock.now();
  }
}

/** All vaults' objects. */
export interface Engine {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly store: Store;
  read(uid: string): Shelf;
  /** Counts the writes of a vault's keys and certificates in this process: what was read before the last one may be old. */
  revision(uid: string): number;
  /** Runs `work` in one transaction; it may run more than once. */
  write<R>(uid: string, work: (shelf: Shelf) => Promise<R>): Promise<R>;
  /** 32 hex digits, as versions are. */
  newVersion(): string;
  /** Tenant time in seconds. */
  seconds(): number;
  /** Everything of a vault is gone after this. */
  drop(uid: string): Promise<void>;
}

export const openEngine = (store: Store, clock: Clock, ids: Ids): Engine => {
  const revisions = new Map<string, number>();
  return {
    clock,
    ids,
    store,
    read: (uid) => new Shelf(store, uid, clock),
    revision: (uid) => revisions.get(uid) ?? 0,
    write: async (uid, work) => {
      let renewing = false;
      const result = await store.transact([partitionOf(uid)], async (tx) => {
        const shelf = new Shelf(tx, uid, clock);
        const done = await work(shelf);
        renewing ||= shelf.wroteRenewing;
        return done;
      });
      if (renewing) revisions.set(uid, (revisions.get(uid) ?? 0) + 1);
      return result;
    },
    newVersion: () => ids.bytes(16).toString("hex"),
    seconds: () => Math.floor(clock.now() / 1000),
    drop: async (uid) => {
      for (const spec of [objectSpec, versionSpec, sideSpec] as readonly CollectionSpec<unknown>[]) {
        const rows = store.collection(spec);
        for (;;) {
          const page = await rows.list(partitionOf(uid), { limit: 500 });
          for (const { key } of page) await rows.delete(partitionOf(uid), key);
          if (page.length < 500) break;
        }
      }
    },
  };
};
