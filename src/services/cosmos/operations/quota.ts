/** What a container holds, as headers; asked for with `x-ms-documentdb-populatequotainfo`. Sizes are in KB. */
import { isObject } from "../engine/definition.ts";
import type { Engine } from "../engine/engine.ts";
import { listScripts } from "../scripts/catalog.ts";
import type { Located } from "../target.ts";

const quota =
  "functions=25;storedProcedures=100;triggers=25;documentSize=10240;documentsSize=10485760;documentsCount=-1;collectionSize=10485760;";

/** The first result of a page, a number. */
const numberOf = (body: Uint8Array): number => {
  const read: unknown = JSON.parse(Buffer.from(body).toString("utf8"));
  const documents = isObject(read) ? read["Documents"] : undefined;
  return Array.isArray(documents) ? Number(documents[0]) : 0;
};

export const quotaHeaders = async (engine: Engine, place: Located): Promise<Record<string, string>> => {
  const ask = async (text: string): Promise<number> => {
    const { body } = await engine.reader.page({
      account: place.account,
      container: place.container,
      extent: { key: undefined, range: undefined },
      spec: { text, parameters: [] },
      functions: [],
      token: undefined,
      limit: 1,
      now: engine.clock.now(),
      withIndexes: false,
    });
    return numberOf(body);
  };
  const count = await ask("SELECT VALUE COUNT(1) FROM c");
  const size = Math.ceil((await ask("SELECT VALUE SUM(LENGTH(TOSTRING(c))) FROM c")) / 1024);
  const [procedures, triggers, functions] = await Promise.all(
    (["sprocs", "triggers", "udfs"] as const).map(async (kind) => (await listScripts(engine, place, kind)).length),
  );
  return {
    "x-ms-resource-quota": quota,
    "x-ms-resource-usage": `functions=${functions};storedProcedures=${procedures};triggers=${triggers};documentSize=0;documentsSize=${size};documentsCount=${count};collectionSize=${size};`,
  };
};
