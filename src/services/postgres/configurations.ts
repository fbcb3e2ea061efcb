import { isObject, objectOf, type ResourceRecord, textOf } from "../../arm/record.ts";
import { parentOf } from "../../arm/resource-id.ts";
import { acceptedWrite } from "../../arm/accepted.ts";
import { armFault } from "../../arm/faults.ts";
import type { ArmCall, ResourceType } from "../../arm/resource-type.ts";
import { callerId } from "../../arm/write.ts";
import { json, type Reply } from "../../kernel/message.ts";
import { runningServer } from "./databases.ts";
import type { Parameter } from "./engine.ts";
import { postgresFault } from "./faults.ts";
import { apiVersions, type PostgresContext, serverType } from "./flexible-servers.ts";

const type = `${serverType}/configurations`;

const shown = (server: ResourceRecord, parameter: Parameter): Record<string, unknown> => ({
  id: `${server.id}/configurations/${parameter.name}`,
  name: parameter.name,
  type,
  properties: {
    value: parameter.value,
    defaultValue: parameter.defaultValue,
    description: parameter.description,
    dataType: parameter.dataType,
    allowedValues: parameter.allowedValues,
    source: parameter.changed ? "user-override" : "system-default",
    isDynamicConfig: parameter.dynamic,
    isReadOnly: parameter.readOnly,
    isConfigPendingRestart: parameter.pendingRestart,
    unit: parameter.unit,
    documentationLink: `https://www.postgresql.org/docs/current/runtime-config.html#GUC-${parameter.name.toUpperCase().replaceAll("_", "-")}`,
  },
});

/** `.../configurations`: PostgreSQL's own parameters. Those that exist only in Azure (`azure.extensions`) are not built. */
export const configurations = (context: PostgresContext): ResourceType => {
  const { arm, engine } = context;
  const find = async (id: string, name: string): Promise<{ server: ResourceRecord; parameter: Parameter }> => {
    const server = await runningServer(context, parentOf(id), type);
    const parameter = (await engine.listParameters(server.name)).find((each) => each.name === name.toLowerCase());
    if (parameter === undefined) throw postgresFault("configurationNotFound", { name, server: server.name });
    return { server, parameter };
  };
  const set = async (call: ArmCall, id: string, name: string): Promise<Reply> => {
    const body = (await call.body.json()) ?? {};
    if (!isObject(body)) throw armFault("invalidContent", { why: "The request body must be a JSON object." });
    const asked = objectOf(body["properties"]);
    const { server, parameter } = await find(id, name);
    if (parameter.readOnly) throw postgresFault("invalidParameter", { name, why: "This parameter is read-only." });
    // `az postgres flexible-server parameter set` without a value resets.
    const reset = textOf(asked["source"]) === "system-default" || asked["value"] === undefined;
    try {
      await engine.setParameter(server.name, parameter.name, reset ? undefined : textOf(asked["value"]));
    } catch (error) {
      throw postgresFault("invalidParameter", { name, why: error instanceof Error ? error.message : "" });
    }
    return acceptedWrite(arm, {
      resourceId: id,
      startedBy: callerId(call),
      shown: shown(server, (await find(id, name)).parameter),
    });
  };
  return {
    type,
    apiVersions,
    at: "group",
    tracked: false,
    source: {
      get: async (_call, id, name) => {
        const { server, parameter } = await find(id, name);
        return json(shown(server, parameter));
      },
      list: async (_call, parentId) => {
        const server = await runningServer(context, parentId, type);
        return json({ value: (await engine.listParameters(server.name)).map((each) => shown(server, each)) });
      },
      put: set,
      patch: set,
    },
  };
};
