"""Items one at a time."""
import asyncio
import re

from azure.core import MatchConditions
from azure.cosmos.partition_key import NonePartitionKeyValue, NullPartitionKeyValue

from common import behaviour, client, container, got, read_status, refusal, rows, status, status_of, with_token


@behaviour("creates, reads, replaces, deletes")
async def _():
    items = await container("items")
    made = await status_of(items.create_item, {"id": "crud", "pk": "p", "name": "one"})
    first = await got(items.read_item("crud", "p"))
    replaced = await status_of(items.replace_item, "crud", {"id": "crud", "pk": "p", "name": "two"})
    second = await got(items.read_item("crud", "p"))
    deleted = await status_of(items.delete_item, "crud", "p")
    return [made, first["name"], replaced, second["name"], deleted, await read_status(items, "crud", "p")]


@behaviour("upserts")
async def _():
    items = await container("items")
    item = {"id": "upsert", "pk": "p"}
    return [await status_of(items.upsert_item, item), await status_of(items.upsert_item, {**item, "n": 2})]


@behaviour("system properties")
async def _():
    made = await got((await container("items")).create_item({"id": "system", "pk": "p"}))
    return sorted(name for name in made if name.startswith("_"))


@behaviour("an item that is not there")
async def _():
    items = await container("items")
    return await refusal(lambda: items.read_item("nothing", "p"))


@behaviour("an item that is there already")
async def _():
    items = await container("items")
    await got(items.create_item({"id": "twice", "pk": "p"}))
    return await refusal(lambda: items.create_item({"id": "twice", "pk": "p"}))


@behaviour("If-Match: stale replace, stale delete, current replace")
async def _():
    items = await container("items")
    old = await got(items.create_item({"id": "etag", "pk": "p"}))
    new = await got(items.replace_item("etag", {"id": "etag", "pk": "p", "n": 1}))
    stale = {"etag": old["_etag"], "match_condition": MatchConditions.IfNotModified}
    current = {"etag": new["_etag"], "match_condition": MatchConditions.IfNotModified}
    item = {"id": "etag", "pk": "p", "n": 2}
    return [
        await status(lambda: items.replace_item("etag", item, **stale)),
        await status(lambda: items.delete_item("etag", "p", **stale)),
        await status_of(items.replace_item, "etag", item, **current),
    ]


@behaviour("If-None-Match of what has not changed")
async def _():
    items = await container("items")
    made = await got(items.create_item({"id": "unchanged", "pk": "p"}))
    condition = {"etag": made["_etag"], "match_condition": MatchConditions.IfModified}
    found = await refusal(lambda: items.read_item("unchanged", "p", **condition))
    return found[0] if isinstance(found, list) else await status_of(items.read_item, "unchanged", "p", **condition)


@behaviour("patch: add, set, replace, remove, increment")
async def _():
    items = await container("items")
    item = {"id": "patch", "pk": "p", "added": [1, 3], "replaced": "x", "removed": 1, "count": 5}
    await got(items.create_item(item))
    operations = [
        {"op": "add", "path": "/added/1", "value": 2},
        {"op": "set", "path": "/set", "value": "s"},
        {"op": "replace", "path": "/replaced", "value": "r"},
        {"op": "remove", "path": "/removed"},
        {"op": "incr", "path": "/count", "value": 3},
    ]
    found = await got(items.patch_item("patch", "p", operations))
    return {name: found[name] for name in ("added", "set", "replaced", "removed", "count") if name in found}


@behaviour("patch: move")
async def _():
    items = await container("items")
    await got(items.create_item({"id": "move", "pk": "p", "from": "moved"}))
    found = await got(items.patch_item("move", "p", [{"op": "move", "from": "/from", "path": "/to"}]))
    return {name: found[name] for name in ("from", "to") if name in found}


@behaviour("patch with a condition: false, true")
async def _():
    items = await container("items")
    await got(items.create_item({"id": "condition", "pk": "p", "n": 1}))
    patch = ["condition", "p", [{"op": "incr", "path": "/n", "value": 1}]]
    return [
        await status(lambda: items.patch_item(*patch, filter_predicate="FROM c WHERE c.n > 5")),
        await status_of(items.patch_item, *patch, filter_predicate="FROM c WHERE c.n = 1"),
    ]


@behaviour("patch of a path without a parent")
async def _():
    items = await container("items")
    await got(items.create_item({"id": "orphan", "pk": "p"}))
    return await status(lambda: items.patch_item("orphan", "p", [{"op": "add", "path": "/a/b/c", "value": 1}]))


@behaviour("keys that are numbers, booleans, null")
async def _():
    items = await container("items")
    found = []
    for key in (7, True, None):
        await got(items.create_item({"id": "typed", "pk": key}))
        read = await got(items.read_item("typed", NullPartitionKeyValue if key is None else key))
        found.append(read["pk"])
    return found


@behaviour("an item without a key")
async def _():
    items = await container("items")
    await got(items.create_item({"id": "keyless", "name": "keyless"}))
    return (await got(items.read_item("keyless", NonePartitionKeyValue)))["name"]


@behaviour("ids and keys outside ASCII")
async def _():
    items = await container("items")
    name, key = "Grüße, 豆腐 (1+1=2)", "ключ"
    await got(items.create_item({"id": name, "pk": key}))
    found = await got(items.read_item(name, key))
    return [found["id"], found["pk"], await status_of(items.delete_item, name, key)]


@behaviour("a key with an emoji")
async def _():
    items = await container("items")
    await got(items.create_item({"id": "emoji", "pk": "🗝"}))
    return (await got(items.read_item("emoji", "🗝")))["pk"]


@behaviour("reads many at once")
async def _():
    found = await got((await container("shop")).read_items([("1", "a"), ("2", "b"), ("9", "c"), ("none", "c")]))
    return sorted(each["id"] for each in found)


@behaviour("an item of more than 2 MB")
async def _():
    items = await container("items")
    return await status(lambda: items.create_item({"id": "big", "pk": "p", "text": "x" * 2_200_000}))


@behaviour("time to live")
async def _():
    short = await container("short")
    await got(short.create_item({"id": "brief", "pk": "p", "ttl": 2, "name": "there"}))
    found = await got(short.read_item("brief", "p"))
    await asyncio.sleep(3.2)
    return [found["name"], await read_status(short, "brief", "p")]


@behaviour("unique keys: another partition, the same partition")
async def _():
    people = await container("people")
    email = "ada@example.com"
    await got(people.create_item({"id": "1", "pk": "a", "email": email}))
    other = await status_of(people.create_item, {"id": "1", "pk": "b", "email": email})
    return [other, await status(lambda: people.create_item({"id": "2", "pk": "a", "email": email}))]


@behaviour("deletes by partition key")
async def _():
    items = await container("items")
    for name in ("1", "2"):
        await got(items.create_item({"id": name, "pk": "doomed"}))

    async def left():
        return len(await rows(items.query_items("SELECT VALUE c.id FROM c", partition_key="doomed")))

    before = await left()
    await got(items.delete_all_items_by_partition_key("doomed"))
    return [before, await left()]


@behaviour("writes without the item in the answer")
async def _():
    items = await container("items")
    made = await got(items.create_item({"id": "quiet", "pk": "p"}, no_response=True))
    replaced = await status_of(items.create_item, {"id": "quiet too", "pk": "p"}, no_response=True)
    return [replaced, dict(made) or None]


@behaviour("request charges")
async def _():
    made = await got((await container("items")).upsert_item({"id": "charge", "pk": "p"}))
    return float(made.get_response_headers()["x-ms-request-charge"]) > 1


@behaviour("429 when throughput is used up: waits as it is told to, and gets through")
async def _():
    metered = await container("metered")
    for n in range(6):
        await got(metered.create_item({"id": str(n), "pk": "p", "text": "x" * 400_000}))
    return len(await rows(metered.query_items("SELECT VALUE c.id FROM c", partition_key="p")))


@behaviour("session tokens: from a write, in a read by another client")
async def _():
    made = await got((await container("items")).upsert_item({"id": "session", "pk": "p"}))
    token = made.get_response_headers()["x-ms-session-token"]
    other = await container("items", await with_token(consistency_level="Session"))
    return [re.match(r"0:-?\d+#\d+", token) is not None, await status_of(other.read_item, "session", "p", session_token=token)]
