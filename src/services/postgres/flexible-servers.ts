import { accepted } from "../../arm/accepted.ts";
import type { ArmContext } from "../../arm/context.ts";
import { objectOf, type ResourceRecord, textOf } from "../../arm/record.ts";
import type { Resources } from "../../arm/resources.ts";
import type { ResourceAction, ResourceType } from "../../arm/resource-type.ts";
import { callerId } from "../../arm/write.ts";
import type { PostgresEngine } from "./engine.ts";
import { postgresFault } from "./faults.ts";
import { authConfigOf, draftServer } from "./server-properties.ts";

export const serverType = "Microsoft.DBforPostgreSQL/flexibleServers";

export const apiVersions = [
  "2025-08-01",
  "2024-08-01",
  "2023-12-01-preview",
  "2023-06-01-preview",
  "2022-12-01",
  "2021-06-01",
];

/** https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules */
export const serverNameRule = {
  pattern: /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/,
  text: "Use 3 to 63 lower-case letters, digits and hyphens; a hyphen can neither begin nor end the name.",
};

export interface PostgresContext {
  readonly arm: ArmContext;
  readonly engine: PostgresEngine;
}

/** Makes the server what its record says. Runs again after a crash. */
const realise = async (record: ResourceRecord, { arm, engine }: PostgresContext): Promise<void> => {
  const { name, properties, secrets } = record;
  const options = { version: textOf(properties["version"]), authConfig: authConfigOf(properties) };
  const login = textOf(properties["administratorLogin"]);
  const password = textOf(objectOf(secrets)["administratorLoginPassword"]);
  const administrator = password === "" ? {} : { administratorLogin: login, administratorLoginPassword: password };
  if (engine.has(name)) {
    engine.updateAuthConfig(name, options.authConfig);
    if (password !== "") await engine.setPassword(name, login, password);
  } else await engine.createServer(name, { ...options, ...administrator });
  // From here on PostgreSQL has the password's verifier, and nobody needs the password.
  await arm.resources.update(record.id, (kept) => ({
    ...kept,
    secrets: {},
    properties: { ...kept.properties, provisioningState: "Succeeded" },
  }));
};

const setState = async (resources: Resources, { id }: ResourceRecord, state: "Ready" | "Stopped"): Promise<void> => {
  await resources.update(id, (kept) => ({ ...kept, properties: { ...kept.properties, state } }));
};

const actions = ({ arm, engine }: PostgresContext): readonly ResourceAction[] => [
  {
    name: "start",
    handle: async (call, record) => {
      await engine.start(record.name);
      await setState(arm.resources, record, "Ready");
      return accepted(arm, { resourceId: record.id, startedBy: callerId(call) });
    },
  },
  {
    name: "stop",
    handle: async (call, record) => {
      await setState(arm.resources, record, "Stopped");
      await engine.stop(record.name);
      return accepted(arm, { resourceId: record.id, startedBy: callerId(call) });
    },
  },
  {
    name: "restart",
    handle: async (call, record) => {
      if (record.properties["state"] === "Stopped") throw postgresFault("serverStopped", { name: record.name });
      await engine.restart(record.name);
      return accepted(arm, { resourceId: record.id, startedBy: callerId(call) });
    },
  },
];

/** `Microsoft.DBforPostgreSQL/flexibleServers`. */
export const flexibleServers = (context: PostgresContext): ResourceType => ({
  type: serverType,
  apiVersions,
  at: "group",
  tracked: true,
  identity: true,
  nameRule: serverNameRule,
  globalName: {
    code: "ServerNameAlreadyExists",
    message: (name) => `Specified server name '${name}' is already used.`,
  },
  codes: { created: 202, updated: 202, deleted: 202 },
  write: (change) => draftServer(change, context.arm.tenant.tenantId),
  written: (record) => realise(record, context),
  deleting: (record) => context.engine.deleteServer(record.name),
  present: ({ properties }) => {
    const [major, minor] = (context.engine.version ?? "").split(".");
    // The version that was asked for is what is shown; only the bundled one has a minor version to tell.
    return { ...properties, minorVersion: properties["version"] === major ? (minor ?? "") : "" };
  },
  actions: actions(context),
});

/**
 * Opens the servers of an earlier run; one whose creation was interrupted is created now. Call once at start.
 * A server that cannot be opened (its data is missing) is told to `onError` and marked `Failed`; the others are not held
 * up, and no empty server ever takes the place of a lost one.
 */
export const recoverServers = async (
  context: PostgresContext,
  onError: (error: unknown, name: string) => void,
): Promise<void> => {
  const { resources, tenant } = context.arm;
  const records = await resources.ofType(tenant.subscriptionId, serverType);
  await Promise.all(
    records.map(async (record) => {
      try {
        await reopen(record, context);
      } catch (error) {
        onError(error, record.name);
        const failed = { provisioningState: "Failed" };
        await resources.update(record.id, (kept) => ({ ...kept, properties: { ...kept.properties, ...failed } }));
      }
    }),
  );
};

const reopen = async (record: ResourceRecord, context: PostgresContext): Promise<void> => {
  const { name, properties, secrets } = record;
  if (objectOf(secrets)["pending"] === true) await realise(record, context);
  else {
    const options = { version: textOf(properties["version"]), authConfig: authConfigOf(properties) };
    await context.engine.openServer(name, options);
  }
  if (properties["state"] === "Stopped") await context.engine.stop(name);
};
