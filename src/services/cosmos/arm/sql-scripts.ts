/** Stored procedures, triggers and user-defined functions as ARM shows them: the same that the data plane serves. */
import { accepted, acceptedWrite } from "../../../arm/accepted.ts";
import { objectOf, textOf } from "../../../arm/record.ts";
import { nameOf } from "../../../arm/resource-id.ts";
import type { ResourceType } from "../../../arm/resource-type.ts";
import { callerId } from "../../../arm/write.ts";
import { empty, json } from "../../../kernel/message.ts";
import type { JsonObject } from "../engine/records.ts";
import { createScript, deleteScript, findScript, listScripts, replaceScript, shownScript } from "../scripts/catalog.ts";
import type { ScriptRecord, ScriptSegment } from "../scripts/spec.ts";
import { apiVersions, asArm, type CosmosArm, notFound, propertiesOf } from "./context.ts";
import { containerType, find, resourceAsked } from "./sql-resources.ts";

const kinds: readonly (readonly [ScriptSegment, string, string])[] = [
  ["sprocs", "storedProcedures", "stored procedure"],
  ["triggers", "triggers", "trigger"],
  ["udfs", "userDefinedFunctions", "user-defined function"],
];

const any = (): void => undefined;

const scripts = (context: CosmosArm, [segment, word, title]: (typeof kinds)[number]): ResourceType => {
  const { engine } = context;
  const type = `${containerType}/${word}`;
  const within = async (id: string) => {
    const { uid, database, container, id: base } = await find(context, id, type);
    if (container === undefined) throw notFound("container", nameOf(id));
    const place = { account: uid, container };
    const shown = (record: ScriptRecord): Record<string, unknown> => ({
      id: `${base}/${word}/${record.id}`,
      name: record.id,
      type,
      properties: { resource: shownScript(database, place, segment, record) },
    });
    return { place, shown };
  };
  return {
    type,
    apiVersions,
    at: "group",
    tracked: false,
    source: {
      get: async (_call, id) => {
        const { place, shown } = await within(id);
        const found = await findScript(engine, place, segment, nameOf(id));
        if (found === undefined) throw notFound(title, nameOf(id));
        return json(shown(found));
      },
      list: async (_call, id) => {
        const { place, shown } = await within(id);
        return json({ value: (await listScripts(engine, place, segment)).map(shown) });
      },
      put: async (call, id, name) => {
        const { place, shown } = await within(id);
        const asked = resourceAsked(objectOf(await propertiesOf(call)), name) as JsonObject;
        const existing = await findScript(engine, place, segment, name);
        const record = await asArm(
          existing === undefined
            ? createScript(engine, place, segment, asked)
            : replaceScript(engine, place, segment, name, asked, any),
        );
        const answer = shown(record);
        return acceptedWrite(context.arm, {
          resourceId: textOf(answer["id"]),
          startedBy: callerId(call),
          shown: answer,
        });
      },
      delete: async (call, id, name) => {
        const { place } = await within(id);
        if ((await findScript(engine, place, segment, name)) === undefined) return empty(204);
        await asArm(deleteScript(engine, place, segment, name, any));
        return accepted(context.arm, { resourceId: id, startedBy: callerId(call) });
      },
    },
  };
};

export const scriptTypes = (context: CosmosArm): readonly ResourceType[] => kinds.map((kind) => scripts(context, kind));
