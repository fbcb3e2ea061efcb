/** Secrets of a container app: values given, or references into a vault that are read by one of the app's identities. */
import { type Json, type JsonObject, objectOf, type ResourceRecord, textOf } from "../../arm/record.ts";
import { idKey } from "../../arm/resource-id.ts";
import type { Resources } from "../../arm/resources.ts";
import type { ArmCall } from "../../arm/resource-type.ts";
import type { Reply } from "../../kernel/message.ts";
import { type AppSecret, appOf, type ContainerApp, listOf } from "./app.ts";
import { containerAppFault } from "./faults.ts";

type Secrets = Readonly<Record<string, AppSecret>>;

const vaultUrl =
  /^https:\/\/([a-z0-9-]{3,24}\.vault\.azure\.net)(\/secrets\/[A-Za-z0-9-]{1,127}(?:\/[0-9a-f]{32})?)\/?$/i;

/**
 * The secrets that a change asks for. Absent in a PATCH: as they are. A PUT must bring every value along, as on Azure: that
 * is why clients ask `listSecrets` first; in a PATCH an entry without a value keeps the one it has.
 */
export const changedSecrets = (asked: Json | undefined, verb: "PUT" | "PATCH", before: Secrets): Secrets => {
  if (asked === undefined || asked === null) return verb === "PATCH" ? before : {};
  const after: Record<string, AppSecret> = {};
  for (const each of listOf(asked)) {
    const name = textOf(each["name"]);
    if (!/^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/.test(name) || Object.hasOwn(after, name))
      throw containerAppFault("invalidSecret", { name });
    const known = Object.hasOwn(before, name) ? before[name] : undefined;
    after[name] = secretOf(each, verb === "PATCH" ? known : undefined, known);
  }
  return after;
};

const secretOf = (asked: JsonObject, kept: AppSecret | undefined, before: AppSecret | undefined): AppSecret => {
  const name = textOf(asked["name"]);
  const value = textOf(asked["value"]);
  const keyVaultUrl = textOf(asked["keyVaultUrl"]);
  const identity = textOf(asked["identity"]);
  if (keyVaultUrl !== "") {
    if (!vaultUrl.test(keyVaultUrl) || identity === "") throw containerAppFault("invalidSecret", { name });
    const same = before?.keyVaultUrl === keyVaultUrl && before.identity === identity && before.value !== undefined;
    return { keyVaultUrl, identity, ...(same ? { value: before.value } : {}) };
  }
  if (value !== "") return { value };
  if (kept !== undefined) return kept;
  throw containerAppFault("invalidSecret", { name });
};

/** @throws 400 when a container refers to a secret that the app does not have */
export const checkReferences = (template: JsonObject, configuration: JsonObject, secrets: Secrets): void => {
  const check = (secret: Json | undefined, container: string): void => {
    const name = textOf(secret);
    if (name !== "" && !Object.hasOwn(secrets, name))
      throw containerAppFault("secretRefNotFound", { secret: name, container });
  };
  for (const { name, env } of listOf(template["containers"]))
    for (const variable of listOf(env)) check(variable["secretRef"], textOf(name));
  for (const registry of listOf(configuration["registries"])) check(registry["passwordSecretRef"], "registries");
};

/** As GET shows them: never a value. */
export const shownSecrets = (app: ContainerApp): readonly JsonObject[] | null => {
  const shown = Object.entries(app.secrets).map(([name, { keyVaultUrl, identity }]) => ({
    name,
    ...(keyVaultUrl === undefined ? {} : { keyVaultUrl, identity }),
  }));
  return shown.length === 0 ? null : shown;
};

/** As `listSecrets` shows them. */
export const listedSecrets = (app: ContainerApp): readonly JsonObject[] =>
  Object.entries(app.secrets).map(([name, { value, keyVaultUrl, identity }]) => ({
    name,
    ...(value === undefined ? {} : { value }),
    ...(keyVaultUrl === undefined ? {} : { keyVaultUrl, identity }),
  }));

/**
 * Reads references into vaults, each as the identity that it names, through the vault's own operation and authorities.
 * @param which `missing`: only what was never read
 * @returns the record with the values
 * @throws 400 with the vault's own words when a value cannot be had
 */
export const readVaultSecrets = async (
  record: ResourceRecord,
  call: Pick<ArmCall, "invoke">,
  resources: Resources,
  which: "missing" | "all",
): Promise<ResourceRecord> => {
  const app = appOf(record);
  const read: Record<string, AppSecret> = {};
  for (const [name, secret] of Object.entries(app.secrets))
    if (secret.keyVaultUrl !== undefined && (which === "all" || secret.value === undefined))
      read[name] = { ...secret, value: await vaultValue(name, secret, record, call) };
  if (Object.keys(read).length === 0) return record;
  const updated = await resources.update(record.id, (kept) => {
    const values = { ...objectOf(objectOf(kept.secrets)["values"]) };
    // Only what is still asked for in the same way: somebody may have changed the app meanwhile.
    for (const [name, secret] of Object.entries(read))
      if (objectOf(values[name])["keyVaultUrl"] === secret.keyVaultUrl) values[name] = { ...secret };
    return { ...kept, secrets: { ...kept.secrets, values } };
  });
  return updated ?? record;
};

const vaultValue = async (
  name: string,
  { keyVaultUrl = "", identity = "" }: AppSecret,
  record: ResourceRecord,
  call: Pick<ArmCall, "invoke">,
): Promise<string> => {
  const refuse = (why: string): Error => containerAppFault("vaultSecret", { name, url: keyVaultUrl, identity, why });
  const system = identity.toLowerCase() === "system";
  const userAssigned = record.identity?.userAssigned.find((id) => idKey(id) === idKey(identity));
  const resourceId = system ? record.identity?.principalId && record.id : userAssigned;
  if (resourceId === undefined) throw refuse("the identity is not assigned to the container app.");
  const [, host = "", path = ""] = vaultUrl.exec(keyVaultUrl) ?? [];
  const reply = await call.invoke(
    { as: "resource-identity", resourceId },
    { method: "GET", host: host.toLowerCase(), path: `${path}?api-version=7.4` },
  );
  const body = objectOf(bodyOf(reply));
  if (reply.status !== 200 || typeof body["value"] !== "string") {
    const { code, message } = objectOf(body["error"]);
    throw refuse(
      `status ${reply.status}, ${textOf(code) || "no answer"}: ${textOf(message) || `${host} is no vault of this tenant.`}`,
    );
  }
  return body["value"];
};

const bodyOf = (reply: Reply): unknown =>
  reply.body !== undefined && "json" in reply.body ? reply.body.json : undefined;
