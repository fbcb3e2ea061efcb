/** Offers: what throughput databases and containers have. Account keys only (cosmos.md 14). */
import { json } from "../../../kernel/message.ts";
import { keyActions } from "../actions.ts";
import { changeContainer, changeDatabase, listContainers, listDatabases } from "../engine/catalog.ts";
import { isObject } from "../engine/definition.ts";
import type { Engine } from "../engine/engine.ts";
import type { ContainerRecord, DatabaseRecord, JsonObject, Throughput } from "../engine/records.ts";
import { badRequest, cosmosFault } from "../faults.ts";
import { cosmosOperation, type CosmosOperation } from "../target.ts";
import { feed, objectBody } from "./answers.ts";
import { queryList } from "./query-list.ts";
import { checkedThroughput } from "./resources.ts";

interface Offer {
  readonly id: string;
  readonly shown: JsonObject;
  change(throughput: Throughput): Promise<Throughput | undefined>;
}

/** Four characters, as the service's. */
const offerId = (rid: string): string => {
  const bytes = Buffer.from(rid.replaceAll("-", "/"), "base64");
  return Buffer.from(bytes.subarray(-4)).toString("base64url").slice(0, 6);
};

const contentOf = (throughput: Throughput): JsonObject =>
  "manual" in throughput
    ? { offerThroughput: throughput.manual }
    : {
        offerThroughput: throughput.autoscaleMaximum / 10,
        offerAutopilotSettings: { maxThroughput: throughput.autoscaleMaximum },
      };

const shownOffer = (
  record: Pick<DatabaseRecord | ContainerRecord, "rid" | "etag" | "ts">,
  resource: string,
  throughput: Throughput,
): JsonObject => {
  const id = offerId(record.rid);
  return {
    resource,
    offerType: "Invalid",
    offerResourceId: record.rid,
    offerVersion: "V2",
    content: contentOf(throughput),
    id,
    _rid: id,
    _self: `offers/${id}/`,
    _etag: record.etag,
    _ts: record.ts,
  };
};

const offersOf = async (engine: Engine, account: string): Promise<Offer[]> => {
  const offers: Offer[] = [];
  for (const database of await listDatabases(engine, account)) {
    if (database.throughput !== undefined)
      offers.push({
        id: offerId(database.rid),
        shown: shownOffer(database, `dbs/${database.rid}/`, database.throughput),
        change: async (throughput) =>
          (await changeDatabase(engine, account, database, (record) => ({ ...record, throughput }))).throughput,
      });
    for (const container of await listContainers(engine, account, database.id))
      if (container.throughput !== undefined)
        offers.push({
          id: offerId(container.rid),
          shown: shownOffer(container, `dbs/${database.rid}/colls/${container.rid}/`, container.throughput),
          change: async (throughput) =>
            (await changeContainer(engine, account, container, (record) => ({ ...record, throughput }))).throughput,
        });
  }
  return offers;
};

/** Java and Go show it; Java fails without it. */
const minimum = { "x-ms-cosmos-min-throughput": "400" };

/** @throws 400 */
const asked = (body: JsonObject): Throughput => {
  const { content } = body;
  if (!isObject(content)) throw badRequest("The offer has no content.");
  const autoscale = content["offerAutopilotSettings"];
  if (isObject(autoscale)) return checkedThroughput({ autoscaleMaximum: Number(autoscale["maxThroughput"]) });
  return checkedThroughput({ manual: Number(content["offerThroughput"]) });
};

export const offerOperations = (engine: Engine): readonly CosmosOperation[] => {
  const find = async (account: string, id: string): Promise<Offer> => {
    const offer = (await offersOf(engine, account)).find((each) => each.id === id);
    if (offer === undefined) throw cosmosFault("notFound");
    return offer;
  };
  return [
    cosmosOperation({
      name: "ListOffers",
      method: "GET",
      path: "/offers",
      needs: { data: keyActions.readThroughput },
      handle: async ({ target }) => {
        const offers = await offersOf(engine, target.account.uid);
        return feed(
          "",
          "Offers",
          offers.map(({ shown }) => shown),
        );
      },
    }),
    cosmosOperation({
      name: "QueryOffers",
      method: "POST",
      intent: "query",
      path: "/offers",
      bodyLimit: 512 * 1024,
      needs: { data: keyActions.readThroughput },
      handle: async (call) => {
        const offers = await offersOf(engine, call.target.account.uid);
        return queryList(
          call,
          engine.reader,
          "",
          "Offers",
          offers.map(({ shown }) => shown),
        );
      },
    }),
    cosmosOperation({
      name: "ReadOffer",
      method: "GET",
      path: "/offers/:id",
      needs: { data: keyActions.readThroughput },
      handle: async ({ target, parameters }) =>
        json((await find(target.account.uid, parameters.id)).shown, 200, minimum),
    }),
    cosmosOperation({
      name: "ReplaceOffer",
      method: "PUT",
      path: "/offers/:id",
      bodyLimit: 64 * 1024,
      needs: { data: keyActions.writeThroughput },
      handle: async (call) => {
        const offer = await find(call.target.account.uid, call.parameters.id);
        await offer.change(asked(await objectBody(call)));
        return json((await find(call.target.account.uid, call.parameters.id)).shown, 200, minimum);
      },
    }),
  ];
};
