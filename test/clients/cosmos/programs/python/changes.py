"""The change feed."""
import asyncio
from datetime import datetime, timezone

from common import behaviour, client, container, got, rows, with_token


async def changes(of, **options):
    feed = await container("feed", of)
    found = [each["name"] for each in await rows(feed.query_items_change_feed(**options))]
    return found, feed.client_connection.last_response_headers["etag"]


feed_token = []


@behaviour("change feed: all from the beginning")
async def _():
    feed = await container("feed")
    for name, key in (("1", "a"), ("2", "b"), ("3", "a")):
        await got(feed.create_item({"id": name, "pk": key, "name": name}))
    found, token = await changes(await client(), start_time="Beginning")
    feed_token.append(token)
    return found


@behaviour("change feed: resumed by another client, latest versions alone")
async def _():
    feed = await container("feed")
    for name in ("2 in between", "2 changed"):
        await got(feed.replace_item("2", {"id": "2", "pk": "b", "name": name}))
    await got(feed.create_item({"id": "4", "pk": "b", "name": "4"}))
    await got(feed.create_item({"id": "5", "pk": "c", "name": "5"}))
    await got(feed.delete_item("5", "c"))
    found, _ = await changes(await with_token(), continuation=feed_token[0])
    return found


@behaviour("change feed: from now on")
async def _():
    found, token = await changes(await client(), start_time="Now")
    await got((await container("feed")).create_item({"id": "6", "pk": "c", "name": "later"}))
    later, _ = await changes(await client(), continuation=token)
    return [*found, *later]


@behaviour("change feed: of one partition key")
async def _():
    found, _ = await changes(await client(), start_time="Beginning", partition_key="a")
    return found


@behaviour("change feed: from a time on")
async def _():
    await asyncio.sleep(1.1)
    now = datetime.now(timezone.utc)
    await got((await container("feed")).create_item({"id": "7", "pk": "c", "name": "latest"}))
    found, _ = await changes(await client(), start_time=now)
    return found


@behaviour("change feed: all versions and deletes")
async def _():
    logged = await container("logged")

    async def versions(**options):
        found = await rows(logged.query_items_change_feed(**options))
        token = logged.client_connection.last_response_headers["etag"]
        return [[each["metadata"]["operationType"], each.get("current", {}).get("name")] for each in found], token

    _, token = await versions(start_time="Now", mode="AllVersionsAndDeletes")
    await got(logged.create_item({"id": "1", "pk": "p", "name": "one"}))
    await got(logged.replace_item("1", {"id": "1", "pk": "p", "name": "two"}))
    await got(logged.delete_item("1", "p"))
    found, _ = await versions(continuation=token)
    return found
