/** The change feed, pulled. */
import { setTimeout as delay } from "node:timers/promises";
import { ChangeFeedMode, ChangeFeedStartFrom } from "@azure/cosmos";
import { client, container, drain, put, withToken } from "./common.mjs";

let feedToken;
const read = (of, changeFeedStartFrom) =>
  drain(container("feed", of).items.getChangeFeedIterator({ changeFeedStartFrom }));

export const changes = {
  "change feed: all from the beginning": async () => {
    for (const [id, pk] of [
      ["1", "a"],
      ["2", "b"],
      ["3", "a"],
    ])
      await put(container("feed"), { id, pk, name: id });
    const { found, token } = await read(client, ChangeFeedStartFrom.Beginning());
    feedToken = token;
    return found;
  },
  "change feed: resumed by another client, latest versions alone": async () => {
    const feed = container("feed");
    await feed.item("2", "b").replace({ id: "2", pk: "b", name: "2 in between" });
    await feed.item("2", "b").replace({ id: "2", pk: "b", name: "2 changed" });
    await put(feed, { id: "4", pk: "b", name: "4" });
    await put(feed, { id: "5", pk: "c", name: "5" });
    await feed.item("5", "c").delete();
    return (await read(withToken(), ChangeFeedStartFrom.Continuation(feedToken))).found;
  },
  "change feed: from now on": async () => {
    const { found, token } = await read(client, ChangeFeedStartFrom.Now());
    await put(container("feed"), { id: "6", pk: "c", name: "later" });
    return [...found, ...(await read(client, ChangeFeedStartFrom.Continuation(token))).found];
  },
  "change feed: of one partition key": async () => (await read(client, ChangeFeedStartFrom.Beginning("a"))).found,
  "change feed: from a time on": async () => {
    await delay(1100);
    const now = new Date();
    await put(container("feed"), { id: "7", pk: "c", name: "latest" });
    return (await read(client, ChangeFeedStartFrom.Time(now))).found;
  },
  "change feed: all versions and deletes": async () => {
    const logged = container("logged");
    const changeFeedMode = ChangeFeedMode.AllVersionsAndDeletes;
    const show = ({ metadata, current }) => [metadata.operationType, current?.name ?? null];
    const versions = (changeFeedStartFrom) =>
      drain(logged.items.getChangeFeedIterator({ changeFeedMode, changeFeedStartFrom }), show);
    const { token } = await versions(ChangeFeedStartFrom.Now());
    await put(logged, { id: "1", pk: "p", name: "one" });
    await logged.item("1", "p").replace({ id: "1", pk: "p", name: "two" });
    await logged.item("1", "p").delete();
    return (await versions(ChangeFeedStartFrom.Continuation(token))).found;
  },
};
