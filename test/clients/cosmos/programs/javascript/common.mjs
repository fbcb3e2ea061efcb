/** What every part of the program uses: clients, containers, refusals. */
import { text } from "node:stream/consumers";
import { CosmosClient } from "@azure/cosmos";
import { DefaultAzureCredential } from "@azure/identity";

export const question = JSON.parse(await text(process.stdin));
const { endpoint } = question;
const aadCredentials = new DefaultAzureCredential();
export const withToken = (connectionPolicy = {}) => new CosmosClient({ endpoint, aadCredentials, connectionPolicy });
export const withKey = (key = question.key, at = endpoint) => new CosmosClient({ endpoint: at, key });

export const client = withToken();
export const keyed = withKey();
export const appdb = client.database("appdb");
export const container = (name, of = client) => of.database("appdb").container(name);
export const items = container("items");
export const shop = container("shop");

/** Status and sub-status of what is thrown. */
export const refusal = async (work) => {
  try {
    await work();
    return "not refused";
  } catch (error) {
    if (typeof error.code !== "number") throw error;
    return [error.code, error.substatus ?? 0];
  }
};
export const status = async (work) => {
  const found = await refusal(work);
  return Array.isArray(found) ? found[0] : found;
};
export const put = async (where, item) => (await where.items.create(item)).resource;
export const readStatus = async (where, id, pk) => (await where.item(id, pk).read()).statusCode;
export const named = (list) => list.map(({ id }) => id).toSorted();

/** Reads a change feed up to its end. @param show what is kept of an entry */
export async function drain(iterator, show = ({ name }) => name) {
  const found = [];
  for (;;) {
    const page = await iterator.readNext();
    if (page.statusCode === 304) return { found, token: page.continuationToken };
    found.push(...page.result.map(show));
  }
}
