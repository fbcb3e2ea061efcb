/** A world with two containers, and stored procedures made of their text and run, by the account's key. */
import { startWorld, type World } from "./world.ts";

export interface ScriptWorld extends World {
  /** Makes a stored procedure in `items` and runs it. @throws with `code`, `substatus` */
  run<T>(source: string, args?: readonly unknown[], partitionKey?: string): Promise<Ran<T>>;
  keyed(): ReturnType<World["sdk"]["as"]>;
  /** Ids of the items of a partition. */
  ids(partitionKey?: string): Promise<readonly string[]>;
}

export interface Ran<T> {
  readonly value: T;
  readonly log: string | undefined;
  readonly charge: number;
}

export const startScriptWorld = async (options: Parameters<typeof startWorld>[0] = {}): Promise<ScriptWorld> => {
  const world = await startWorld(options);
  await world.put("/sqlDatabases/appdb", { resource: { id: "appdb" } });
  for (const id of ["items", "unique"])
    await world.put(`/sqlDatabases/appdb/containers/${id}`, {
      resource: {
        id,
        partitionKey: { paths: ["/pk"], kind: "Hash" },
        ...(id === "unique" ? { uniqueKeyPolicy: { uniqueKeys: [{ paths: ["/email"] }] } } : {}),
      },
    });
  const keyed = () => world.sdk.as(world.endpoint, world.keys.primaryMasterKey);
  let count = 0;
  return {
    ...world,
    keyed,
    run: <T>(source: string, args: readonly unknown[] = [], partitionKey = "a") =>
      keyed()(
        async (client, _sdk, [id, body, given, key]): Promise<Ran<T>> => {
          const { scripts } = client.database("appdb").container("items");
          await scripts.storedProcedures.create({ id, body });
          const found = await scripts
            .storedProcedure(id)
            .execute<T>(key, given as unknown[], { enableScriptLogging: true });
          const log = found.headers["x-ms-documentdb-script-log-results"] as string | undefined;
          return {
            value: found.resource as T,
            log: log === undefined ? undefined : decodeURIComponent(log),
            charge: found.requestCharge,
          };
        },
        `run-${++count}`,
        source,
        args,
        partitionKey,
      ),
    ids: (partitionKey = "a") =>
      keyed()(async (client, _sdk, [key]) => {
        const { items } = client.database("appdb").container("items");
        return (await items.query<string>("SELECT VALUE c.id FROM c ORDER BY c.id", { partitionKey: key }).fetchAll())
          .resources;
      }, partitionKey),
  };
};
