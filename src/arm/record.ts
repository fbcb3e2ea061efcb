import type { CollectionSpec } from "../store/store.ts";

export type Json = string | number | boolean | null | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [member: string]: Json | undefined;
}

export interface IdentityBlock {
  readonly type: "None" | "SystemAssigned" | "UserAssigned" | "SystemAssigned, UserAssigned";
  /** Object id of the system-assigned identity's service principal. */
  readonly principalId?: string;
  readonly tenantId?: string;
  /** Canonical ids of the user-assigned identities. */
  readonly userAssigned: readonly string[];
}

/** A management resource as it is kept. `secrets` is sealed at rest and never shown by GET. */
export interface ResourceRecord {
  /** Canonical id: the letter case of the first PUT, types as their declaration spells them. */
  readonly id: string;
  readonly type: string;
  readonly name: string;
  readonly location?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly kind?: string;
  readonly sku?: JsonObject;
  readonly identity?: IdentityBlock;
  readonly properties: JsonObject;
  readonly secrets?: JsonObject;
  /** ISO times, tenant clock; principals as object ids. */
  readonly created: { readonly at: string; readonly by: string };
  readonly changed: { readonly at: string; readonly by: string };
}

/** Resources stand in their subscription's partition under their lower-case id. */
export const resourceSpec: CollectionSpec<ResourceRecord> = {
  name: "resources",
  indexes: {
    type: (value) => value.type.toLowerCase(),
    userAssigned: (value) => value.identity?.userAssigned.map((id) => id.toLowerCase()),
    /** Names that become host names are unique across the tenant. */
    globalName: (value) => `${value.type}/${value.name}`.toLowerCase(),
  },
  sealed: ["secrets"],
};

/** Is this a JSON object (not null, not an array)? */
export const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The object, or an empty one. */
export const objectOf = (value: unknown): JsonObject => (isObject(value) ? value : {});

/** A JSON scalar as text; "" for anything else. */
export const textOf = (value: unknown): string =>
  typeof value === "string" ? value : typeof value === "number" || typeof value === "boolean" ? String(value) : "";

/** Tags as Azure keeps them: names with text values; null drops one. */
export const readTags = (value: unknown): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(objectOf(value))
      .filter(([, tag]) => tag !== null)
      .map(([name, tag]) => [name, textOf(tag)]),
  );

/** JSON merge (RFC 7396): objects merge, null removes, anything else replaces. */
export const merge = (base: JsonObject, patch: JsonObject): JsonObject => {
  const merged: Record<string, Json | undefined> = { ...base };
  for (const [name, value] of Object.entries(patch)) {
    const before = merged[name];
    if (value === null) delete merged[name];
    else if (isObject(value) && isObject(before)) merged[name] = merge(before, value);
    else if (value !== undefined) merged[name] = value;
  }
  return merged;
};
