import type { ArmContext } from "../../arm/context.ts";
import { isObject, type JsonObject, objectOf, type ResourceRecord, textOf } from "../../arm/record.ts";
import { parentOf } from "../../arm/resource-id.ts";
import type { ArmCall, Change, Draft, ResourceType } from "../../arm/resource-type.ts";
import { json } from "../../kernel/message.ts";
import { enableIdentity } from "./connect.ts";
import { linkerFault } from "./faults.ts";
import { grant, type Grants, revoke } from "./grants.ts";
import { type Authentication, type Setting, settingsFor } from "./settings.ts";
import { requireSource } from "./sources.ts";
import { type Target, targetOf } from "./targets.ts";
import { validate } from "./validate.ts";
import { Work } from "./work.ts";

const type = "Microsoft.ServiceLinker/linkers";

/** What a connection wrote, to be taken back with it. */
interface Written {
  readonly settings: readonly Setting[];
  readonly grants: Grants;
}

const none: Grants = { roleAssignmentIds: [] };

/**
 * `Microsoft.ServiceLinker/linkers`: settings, identity and role assignment in one resource. It never makes database roles:
 * the deployer does (decisions.md; app-service.md 5.5).
 */
export const linkers = (context: ArmContext): ResourceType => ({
  type,
  apiVersions: ["2024-04-01", "2022-11-01-preview", "2022-05-01"],
  at: "extension",
  tracked: false,
  nameRule: { pattern: /^[A-Za-z0-9._]{1,60}$/, text: "Use up to 60 letters, digits, periods and underscores." },
  codes: { created: 201, updated: 200, deleted: 200 },
  write: (change) => draft(change),
  written: (record, change) => apply(record, change, context),
  deleting: (record, call) => disconnect(record, call, context),
  present: (record) => record.properties,
  actions: [
    {
      name: "listConfigurations",
      handle: (_call, record) =>
        json({
          configurations: writtenOf(record).settings.map(([name, value]) => ({ name, value, configType: "Default" })),
        }),
    },
    {
      name: "validateLinker",
      handle: async (call, record) => json(await validate(call, record, writtenOf(record).settings, context)),
    },
  ],
});

/** Connections that a crash interrupted have failed: writing them again finishes them. Call once at start. */
export const failInterruptedLinkers = async ({ resources, tenant }: ArmContext): Promise<void> => {
  for (const { id, properties } of await resources.ofType(tenant.subscriptionId, type))
    if (properties["provisioningState"] === "Updating")
      await resources.update(id, (kept) => ({
        ...kept,
        properties: { ...kept.properties, provisioningState: "Failed" },
      }));
};

const draft = (change: Change): Draft => {
  const { existing, body } = change;
  const properties = { ...objectOf(existing?.properties), ...objectOf(body["properties"]) };
  requireSource(parentOf(change.id));
  readTarget(properties);
  readAuthentication(properties, "");
  const { secretStore: _secretStore, authInfo, ...rest } = properties;
  return {
    properties: { ...rest, authInfo: withoutSecrets(objectOf(authInfo)), provisioningState: "Updating" },
    secrets: { ...existing?.secrets, authInfo: objectOf(authInfo) },
  };
};

/** Connections of one source take turns: each reads all of its settings and writes them back. */
const inSourceTurn = <R>(source: string, context: ArmContext, work: () => Promise<R>): Promise<R> =>
  context.resources.inTurn(`${source}/providers/Microsoft.ServiceLinker`, work);

const apply = (record: ResourceRecord, change: Change, context: ArmContext): Promise<void> =>
  inSourceTurn(parentOf(record.id), context, async () => {
    const work = new Work(change.call);
    try {
      const written = await connect(record, change, work, context);
      await context.resources.update(record.id, (kept) => ({
        ...kept,
        properties: { ...kept.properties, provisioningState: "Succeeded" },
        secrets: { ...kept.secrets, written: written as unknown as JsonObject },
      }));
    } catch (error) {
      await work.rollBack();
      throw error;
    }
  });

const connect = async (record: ResourceRecord, change: Change, work: Work, context: ArmContext): Promise<Written> => {
  const source = parentOf(record.id);
  const target = readTarget(record.properties);
  const before: Written = change.existing === undefined ? { settings: [], grants: none } : writtenOf(change.existing);
  await work.send("Reading the target", "GET", target.resourceId);
  const properties = { ...record.properties, authInfo: objectOf(record.secrets)["authInfo"] };
  const authentication = await completeAuthentication(
    readAuthentication(properties, context.tenant.tenantId),
    target,
    work,
  );
  const settings = await settingsOf(record, target, authentication, context);
  const principalId = await enableIdentity(work, source, authentication, context);
  const grants = principalId === undefined ? none : await grant(work, target, principalId, before.grants, context);
  await requireSource(source).write(work, source, {
    settings,
    previous: before.settings,
    secret: secretOf(authentication),
    scope: scopeOf(record),
    previousScope: change.existing === undefined ? scopeOf(record) : scopeOf(change.existing),
  });
  // The rights of the connection's previous shape go with that, as they do when the connection is deleted.
  await revoke(work, before.grants, grants, context.tenant.tenantId);
  return { settings, grants };
};

const settingsOf = async (
  record: ResourceRecord,
  target: Target,
  authentication: Authentication,
  context: ArmContext,
): Promise<readonly Setting[]> => {
  const { clientType, configurationInfo } = record.properties;
  const authInfo = objectOf(objectOf(record.secrets)["authInfo"]);
  const named = (connectionName?: string): readonly Setting[] => {
    const settings = settingsFor({
      target,
      clientType: textOf(clientType) || "none",
      authentication,
      user: textOf(authInfo["userName"]) || userOf(authInfo, record.name),
      ...(connectionName === undefined ? {} : { connectionName }),
      customizedKeys: Object.fromEntries(
        Object.entries(objectOf(objectOf(configurationInfo)["customizedKeys"])).map(([key, value]) => [
          key,
          textOf(value),
        ]),
      ),
    });
    if (settings === undefined) throw linkerFault("invalidClientType", { type: textOf(clientType) });
    return settings;
  };
  const others = await context.resources.below(parentOf(record.id), record.type);
  const taken = new Set(
    others.flatMap((other) => (other.id === record.id ? [] : writtenOf(other).settings.map(([name]) => name))),
  );
  const plain = named();
  return plain.some(([name]) => taken.has(name)) ? named(record.name) : plain;
};

/** Takes back the settings and the role assignment that it made; the identity and the database role stay. */
const disconnect = async (record: ResourceRecord, call: ArmCall, context: ArmContext): Promise<void> => {
  const source = parentOf(record.id);
  const { settings, grants } = writtenOf(record);
  const work = new Work(call);
  // A source that goes with its group, or is being deleted itself, needs no settings taken back.
  if (call.caller.kind !== "platform" && (await context.resources.get(source)) !== undefined)
    await inSourceTurn(source, context, () =>
      requireSource(source).write(work, source, {
        settings: [],
        previous: settings,
        secret: "",
        scope: scopeOf(record),
        previousScope: scopeOf(record),
      }),
    );
  await revoke(work, grants, none, context.tenant.tenantId);
};

/** The container of a container app; "" is the first, and what web apps have. */
const scopeOf = ({ properties }: ResourceRecord): string => textOf(properties["scope"]);

/** What of the settings must not be shown. */
const secretOf = (authentication: Authentication): string => {
  switch (authentication.kind) {
    case "secret":
      return authentication.secret;
    case "service-principal":
      return authentication.clientSecret;
    default:
      return "";
  }
};

const readTarget = (properties: JsonObject): Target => {
  const id = textOf(objectOf(properties["targetService"])["id"]);
  const target = targetOf(id);
  if (target === undefined) throw linkerFault("invalidTarget", { id });
  return target;
};

const readAuthentication = (properties: JsonObject, tenantId: string): Authentication => {
  const info = objectOf(properties["authInfo"]);
  const type = textOf(info["authType"]);
  const clientId = textOf(info["clientId"]);
  switch (type.toLowerCase()) {
    case "systemassignedidentity":
      return { kind: "system-identity" };
    case "userassignedidentity":
      if (clientId === "") throw linkerFault("invalidAuthentication", { type, why: "It needs a clientId." });
      return { kind: "user-identity", clientId };
    case "serviceprincipalsecret":
      return { kind: "service-principal", clientId, clientSecret: textOf(info["secret"]), tenantId };
    case "secret":
      return { kind: "secret", secret: textOf(objectOf(info["secretInfo"])["value"]) };
    case "accesskey":
      return { kind: "secret", secret: "" };
    default:
      throw linkerFault("invalidAuthentication", {
        type,
        why: "Use systemAssignedIdentity, userAssignedIdentity, servicePrincipalSecret, accessKey or secret.",
      });
  }
};

/** An account key is read with the caller's right to list keys. */
const completeAuthentication = async (
  authentication: Authentication,
  target: Target,
  work: Work,
): Promise<Authentication> => {
  if (authentication.kind === "secret" && target.kind === "vault")
    throw linkerFault("invalidAuthentication", { type: "secret", why: "A key vault takes identities only." });
  if (authentication.kind !== "secret" || target.kind !== "storage") return authentication;
  const keys = (await work.send("Reading the account's keys", "POST", `${target.resourceId}/listKeys`))["keys"];
  return { kind: "secret", secret: textOf(objectOf(Array.isArray(keys) ? keys[0] : undefined)["value"]) };
};

/** Database user of an identity unless the client says otherwise: `aad_<connection>`; of a secret: its own name. */
const userOf = (authInfo: unknown, name: string): string =>
  textOf(objectOf(authInfo)["authType"]).toLowerCase() === "secret"
    ? textOf(objectOf(authInfo)["name"])
    : `aad_${name}`;

const withoutSecrets = (authInfo: JsonObject): JsonObject => {
  const { secret: _secret, certificate: _certificate, secretInfo, ...shown } = authInfo;
  if (!isObject(secretInfo)) return shown;
  const { value: _value, ...info } = secretInfo;
  return { ...shown, secretInfo: info };
};

const writtenOf = (record: ResourceRecord): Written => {
  const written = objectOf(objectOf(record.secrets)["written"]);
  const { settings, grants } = written;
  return {
    settings: Array.isArray(settings)
      ? settings.map((each) => (Array.isArray(each) ? ([textOf(each[0]), textOf(each[1])] as const) : ["", ""]))
      : [],
    // A connection of an earlier version kept one assignment by itself.
    grants: grants === undefined ? earlierGrants(written) : (objectOf(grants) as unknown as Grants),
  };
};

const earlierGrants = (written: JsonObject): Grants => {
  const id = textOf(written["roleAssignmentId"]);
  return { roleAssignmentIds: id === "" ? [] : [id] };
};
