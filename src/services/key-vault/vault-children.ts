import { isObject, type Json, type JsonObject, objectOf, textOf } from "../../arm/record.ts";
import type { Resources } from "../../arm/resources.ts";
import { idOf, parentOf } from "../../arm/resource-id.ts";
import type { ArmCall, ResourceSource, ResourceType } from "../../arm/resource-type.ts";
import { armFault } from "../../arm/faults.ts";
import { json } from "../../kernel/message.ts";
import { keyVaultArmFault } from "./faults.ts";
import { tagsOf } from "./attributes.ts";
import type { Engine, VersionRecord } from "./engine.ts";
import { setSecret } from "./secrets.ts";
import { objectId } from "./target.ts";
import { type Vault, listOf, vaultOf, vaultType } from "./vault.ts";
import type { Vaults } from "./vaults.ts";
import { apiVersions, readPolicies } from "./vault-type.ts";

export interface ChildDependencies {
  readonly resources: Resources;
  readonly engine: Engine;
  readonly vaults: Vaults;
}

/** @throws Fault 404 */
export const vaultAt = async (id: string, resources: Resources): Promise<Vault> => {
  const record = await resources.get(id);
  if (record?.type !== vaultType) throw armFault("parentNotFound", { verb: "read", type: vaultType, parent: id });
  return vaultOf(record);
};

const bodyOf = async (call: ArmCall): Promise<JsonObject> => {
  const body = (await call.body.json()) ?? {};
  if (!isObject(body)) throw armFault("invalidContent", { why: "The request body must be a JSON object." });
  return objectOf(body["properties"]);
};

/** `accessPolicies/add|replace|remove`: a write on the vault that needs only `accessPolicies/write`. */
export const accessPoliciesType = ({
  resources,
  vaults,
}: Pick<ChildDependencies, "resources" | "vaults">): ResourceType => ({
  type: `${vaultType}/accessPolicies`,
  apiVersions,
  at: "group",
  tracked: false,
  source: {
    put: async (call, id, kind) => {
      const change = changes[kind.toLowerCase()];
      if (change === undefined)
        throw keyVaultArmFault("badRequest", { why: `The operation '${kind}' is none of add, replace and remove.` });
      const asked = readPolicies((await bodyOf(call))["accessPolicies"]);
      const vault = await vaultAt(parentOf(id), resources);
      const changed = await resources.update(vault.id, (record) => ({
        ...record,
        properties: {
          ...record.properties,
          accessPolicies: change(listOf(record.properties["accessPolicies"]).map(objectOf), asked),
        },
      }));
      vaults.changed(vault.name);
      return json({
        id: `${vault.id}/accessPolicies/`,
        type: `${vaultType}/accessPolicies`,
        location: vault.location,
        properties: { accessPolicies: listOf(changed?.properties["accessPolicies"]) },
      });
    },
  },
});

type Policies = readonly JsonObject[];

const who = (policy: JsonObject): string =>
  `${textOf(policy["objectId"])}/${textOf(policy["applicationId"])}`.toLowerCase();

const wordsOf = (value: Json | undefined): readonly string[] => listOf(value).map((word) => textOf(word).toLowerCase());

/** Combines the permissions of two policies of one principal, kind by kind; whoever is left without any goes. */
const combine = (
  before: Policies,
  asked: Policies,
  words: (held: readonly string[], given: readonly string[]) => readonly string[],
): Policies => {
  const kept = new Map(before.map((policy) => [who(policy), policy]));
  for (const policy of asked) {
    const standing = kept.get(who(policy));
    const held = objectOf(standing?.["permissions"]);
    const given = objectOf(policy["permissions"]);
    const kinds = [...new Set([...Object.keys(held), ...Object.keys(given)])];
    const permissions: Record<string, Json> = {};
    for (const kind of kinds) {
      const left = words(wordsOf(held[kind]), wordsOf(given[kind]));
      if (left.length > 0) permissions[kind] = left;
    }
    if (Object.keys(permissions).length === 0) kept.delete(who(policy));
    else kept.set(who(policy), { ...policy, ...standing, permissions });
  }
  return [...kept.values()];
};

const changes: Readonly<Record<string, (before: Policies, asked: Policies) => Policies>> = {
  add: (before, asked) => combine(before, asked, (held, given) => [...new Set([...held, ...given])]),
  // Replaces the policies of the principals that it names, and leaves the others alone.
  replace: (before, asked) => {
    const named = new Set(asked.map(who));
    return [...before.filter((policy) => !named.has(who(policy))), ...asked];
  },
  remove: (before, asked) =>
    combine(before, asked, (held, given) => held.filter((word) => !given.includes(word) && !given.includes("all"))),
};

export const shownAttributes = (version: VersionRecord): JsonObject => ({
  enabled: version.enabled,
  ...(version.nbf === undefined ? {} : { nbf: version.nbf }),
  ...(version.exp === undefined ? {} : { exp: version.exp }),
  created: version.created,
  updated: version.updated,
});

/** Never the value: ARM writes secrets and does not read them (access.md 3.1). */
const shown = (vault: Vault, version: VersionRecord): JsonObject => ({
  id: `${vault.id}/secrets/${version.name}`,
  name: version.name,
  type: `${vaultType}/secrets`,
  location: vault.location,
  tags: version.tags ?? {},
  properties: {
    ...(version.contentType === undefined ? {} : { contentType: version.contentType }),
    attributes: shownAttributes(version),
    secretUri: objectId(vault, "secrets", version.name),
    secretUriWithVersion: objectId(vault, "secrets", version.name, version.version),
  },
});

const all = 1_000_000;

/**
 * How ARM shows what a vault keeps under names: the current version of each.
 * @param settle called with the vault's uid before it is looked at
 */
export const currentVersions = (
  kind: "secrets" | "keys",
  { resources, engine }: Pick<ChildDependencies, "resources" | "engine">,
  shown: (vault: Vault, version: VersionRecord) => JsonObject,
  settle: (uid: string) => Promise<void> | undefined = () => undefined,
): Pick<ResourceSource, "get" | "list"> => ({
  get: async (_call, id, name) => {
    const vault = await vaultAt(parentOf(id), resources);
    await settle(vault.uid);
    const found = await engine.read(vault.uid).find(kind, name);
    if (found === undefined)
      throw armFault("resourceNotFound", { resource: `${vaultType}/${kind}/${vault.name}/${name}`, group: "" });
    return json(shown(vault, found.version));
  },
  list: async (call) => {
    const vault = await vaultAt(call.target.path === undefined ? call.target.id : idOf(call.target.path), resources);
    await settle(vault.uid);
    const shelf = engine.read(vault.uid);
    const value: JsonObject[] = [];
    for (const { name, current } of await shelf.objects("live", kind, "", all)) {
      const version = await shelf.version(kind, name, current);
      if (version !== undefined) value.push(shown(vault, version));
    }
    return json({ value });
  },
});

/** `vaults/secrets`: templates write secrets with the ARM right alone, without rights on data (access.md 3.1). */
export const secretsType = ({ resources, engine }: Pick<ChildDependencies, "resources" | "engine">): ResourceType => ({
  type: `${vaultType}/secrets`,
  apiVersions,
  at: "group",
  tracked: false,
  source: {
    ...currentVersions("secrets", { resources, engine }, shown),
    put: async (call, id, name) => {
      if (!/^[0-9a-zA-Z-]{1,127}$/.test(name))
        throw armFault("invalidName", { name: name.slice(0, 130), rule: "Use 1 to 127 letters, digits and hyphens." });
      const body = await call.body.json();
      const properties = isObject(body) ? objectOf(body["properties"]) : {};
      const tags = isObject(body) ? tagsOf(body) : undefined;
      const vault = await vaultAt(parentOf(id), resources);
      const version = await engine.write(vault.uid, (shelf) =>
        setSecret(engine, shelf, name, { ...properties, ...(tags === undefined ? {} : { tags }) }),
      );
      return json(shown(vault, version), 201);
    },
  },
});
