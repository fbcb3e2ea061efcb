"""What azure-cosmos sees, one JSON line per behaviour of ../behaviours.ts. Reads the question from standard input.

The argument says which of the two clients: `sync` or `async`. Their calls have the same names, so one program serves both.
"""
import asyncio
import base64
import inspect
import json
import re
import sys
import traceback
from datetime import datetime, timezone

from azure.core import MatchConditions
from azure.cosmos import PartitionKey, ThroughputProperties
from azure.cosmos.exceptions import CosmosBatchOperationError, CosmosHttpResponseError
from azure.cosmos.partition_key import NonePartitionKeyValue, NullPartitionKeyValue

if sys.argv[1] == "async":
    from azure.cosmos.aio import CosmosClient
    from azure.identity.aio import DefaultAzureCredential
else:
    from azure.cosmos import CosmosClient
    from azure.identity import DefaultAzureCredential

question = json.load(sys.stdin)
endpoint = question["endpoint"]
credential = DefaultAzureCredential()
opened = []
behaviours = {}


def behaviour(name):
    def register(work):
        behaviours[name] = work
        return work

    return register


async def got(value):
    return await value if inspect.isawaitable(value) else value


async def rows(iterable):
    iterable = await got(iterable)
    return [row async for row in iterable] if hasattr(iterable, "__aiter__") else list(iterable)


async def page(pager):
    return await rows(await pager.__anext__() if hasattr(pager, "__anext__") else next(pager))


async def with_token(**options):
    """The synchronous client reads the account when it is made, the other one at the first use or in `async with`."""
    opened.append(CosmosClient(endpoint, credential=credential, **options))
    return opened[-1]


async def with_key(key=question["key"], at=endpoint):
    opened.append(CosmosClient(at, credential=key))
    return opened[-1]


async def container(name, of=None, database="appdb"):
    return (of or await client()).get_database_client(database).get_container_client(name)


shared = []


async def client():
    if not shared:
        shared.append(await with_token())
    return shared[0]


async def refusal(work):
    """Status and sub-status of what is raised."""
    try:
        await got(work() if callable(work) else work)
        return "not refused"
    except CosmosHttpResponseError as error:
        return [error.status_code, error.sub_status or 0]


async def status(work):
    found = await refusal(work)
    return found[0] if isinstance(found, list) else found


async def status_of(call, *args, **options):
    """The status of a call that succeeds, which the client shows to hooks alone."""
    seen = []
    await got(call(*args, raw_response_hook=lambda answer: seen.append(answer.http_response.status_code), **options))
    return seen[-1]


async def read_status(where, item, key):
    found = await refusal(lambda: where.read_item(item, key))
    return found[0] if isinstance(found, list) else 200


# Access


@behaviour("reads in the preferred region")
async def _():
    await got((await container("items")).upsert_item({"id": "regional", "pk": "regional"}))
    western = await with_token(preferred_locations=["West US"])
    return await read_status(await container("items", western), "regional", "regional")


@behaviour("createIfNotExists finds what exists")
async def _():
    database = await got((await client()).create_database_if_not_exists(id="appdb"))
    made = await got(database.create_container_if_not_exists(id="items", partition_key=PartitionKey(path="/pk")))
    return [database.id, made.id]


@behaviour("createIfNotExists with a data role is refused what is missing")
async def _():
    of = await client()
    appdb = of.get_database_client("appdb")
    return [
        await refusal(lambda: of.create_database_if_not_exists(id="missing")),
        await refusal(lambda: appdb.create_container_if_not_exists(id="missing", partition_key=PartitionKey("/pk"))),
    ]


@behaviour("a token creates no database and no container")
async def _():
    of = await client()
    appdb = of.get_database_client("appdb")
    return [
        await refusal(lambda: of.create_database("new")),
        await refusal(lambda: appdb.create_container("new", partition_key=PartitionKey("/pk"))),
    ]


@behaviour("a role without the action is refused, action and resource named")
async def _():
    guarded = await container("items", database="guarded")
    action = "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/items/upsert"
    try:
        await got(guarded.upsert_item({"id": "1", "pk": "1"}))
        return "not refused"
    except CosmosHttpResponseError as error:
        named = f"[{action}] on resource [dbs/guarded/colls/items]" in error.message
        return {"refused": [error.status_code, error.sub_status], "named": named}


@behaviour("a role at another scope is refused")
async def _():
    closed = await container("items", database="closed")
    return await refusal(lambda: closed.read_item("1", "1"))


@behaviour("an account key opens everything")
async def _():
    of = await with_key()
    statuses = [await status_of(of.create_database, "by-key")]
    database = of.get_database_client("by-key")
    statuses.append(await status_of(database.create_container, "c", partition_key=PartitionKey("/pk")))
    statuses.append(await status_of(of.delete_database, "by-key"))
    return statuses


@behaviour("a read-only key reads and does not write")
async def _():
    of = await with_key(question["readOnlyKey"])
    found = await got(of.get_database_client("appdb").read())
    items = await container("items", of)
    return [found["id"] == "appdb", await status(lambda: items.upsert_item({"id": "x", "pk": "x"}))]


@behaviour("a wrong key is refused")
async def _():
    async def work():
        of = await with_key(base64.b64encode(bytes([7]) * 64).decode())
        await got(of.get_database_client("appdb").read())

    return await status(work)


@behaviour("keys end with disableLocalAuth")
async def _():
    async def work():
        await rows((await with_key(question["sealedKey"], question["sealedEndpoint"])).list_databases())

    return await refusal(work)


# Resources


@behaviour("reads a database and a container")
async def _():
    database = await got((await client()).get_database_client("appdb").read())
    found = await got((await container("items")).read())
    key = found["partitionKey"]
    return {
        "database": database["id"],
        "container": found["id"],
        "paths": key["paths"],
        "kind": key["kind"],
        "version": key["version"],
        "mode": found["indexingPolicy"]["indexingMode"],
    }


@behaviour("lists databases and containers")
async def _():
    of = await with_key()
    databases = await rows(of.list_databases())
    containers = await rows(of.get_database_client("guarded").list_containers())
    return {
        "databases": sorted(each["id"] for each in databases),
        "containers": sorted(each["id"] for each in containers),
    }


@behaviour("creates, replaces and deletes a container")
async def _():
    database = (await with_key()).get_database_client("appdb")
    key = PartitionKey(path="/pk")
    created = await status_of(database.create_container, "brief", partition_key=key)
    await got(database.replace_container("brief", partition_key=key, default_ttl=3600))
    changed = await got(database.get_container_client("brief").read())
    return [created, changed["defaultTtl"], await status_of(database.delete_container, "brief")]


@behaviour("reads and replaces throughput")
async def _():
    feed = await container("feed", await with_key())
    before = await got(feed.get_throughput())
    after = await got(feed.replace_throughput(500))
    return [before.offer_throughput, after.offer_throughput]


@behaviour("creates with autoscale throughput")
async def _():
    database = (await with_key()).get_database_client("appdb")
    offer = ThroughputProperties(auto_scale_max_throughput=1000)
    made = await got(database.create_container("scaled", partition_key=PartitionKey("/pk"), offer_throughput=offer))
    found = await got(made.get_throughput())
    await got(database.delete_container("scaled"))
    return found.auto_scale_max_throughput


@behaviour("a token reads no throughput")
async def _():
    items = await container("items")
    return await refusal(lambda: items.get_throughput())


@behaviour("reads feed ranges and what is in one")
async def _():
    shop = await container("shop")
    ranges = await rows(shop.read_feed_ranges())
    found = await rows(shop.query_items("SELECT * FROM c", feed_range=ranges[0]))
    return [len(ranges), len(found)]


# Items


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
    await got(short.create_item({"id": "brief", "pk": "p", "ttl": 1, "name": "there"}))
    found = await got(short.read_item("brief", "p"))
    await asyncio.sleep(2.2)
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


@behaviour("session tokens: from a write, in a read by another client")
async def _():
    made = await got((await container("items")).upsert_item({"id": "session", "pk": "p"}))
    token = made.get_response_headers()["x-ms-session-token"]
    other = await container("items", await with_token(consistency_level="Session"))
    return [re.match(r"0:-?\d+#\d+", token) is not None, await status_of(other.read_item, "session", "p", session_token=token)]


# Batch


async def batch(items, operations, key):
    try:
        return [each["statusCode"] for each in await got(items.execute_item_batch(operations, partition_key=key))]
    except CosmosBatchOperationError as error:
        return [each["statusCode"] for each in error.operation_responses]


@behaviour("batch: create, upsert, replace, patch, read, delete")
async def _():
    items = await container("items")
    for name in ("replace", "patch", "delete"):
        await got(items.create_item({"id": name, "pk": "batch"}))
    operations = [
        ("create", ({"id": "create", "pk": "batch"},)),
        ("upsert", ({"id": "upsert", "pk": "batch"},)),
        ("replace", ("replace", {"id": "replace", "pk": "batch", "n": 1})),
        ("patch", ("patch", [{"op": "set", "path": "/n", "value": 1}])),
        ("read", ("create",)),
        ("delete", ("delete",)),
    ]
    return await batch(items, operations, "batch")


@behaviour("batch that fails: statuses, and what is left")
async def _():
    items = await container("items")
    await got(items.create_item({"id": "taken", "pk": "rollback"}))
    operations = [("create", ({"id": name, "pk": "rollback"},)) for name in ("first", "taken", "last")]
    return [await batch(items, operations, "rollback"), await read_status(items, "first", "rollback")]


@behaviour("batch: a stale If-Match")
async def _():
    items = await container("items")
    await got(items.create_item({"id": "guarded", "pk": "stale"}))
    etag = '"00000000-0000-0000-0000-000000000000"'
    operations = [
        ("create", ({"id": "first", "pk": "stale"},)),
        ("replace", ("guarded", {"id": "guarded", "pk": "stale", "n": 1}), {"if_match_etag": etag}),
    ]
    return [await batch(items, operations, "stale"), await read_status(items, "first", "stale")]


# Queries and feeds


def everywhere(**options):
    """What the synchronous client wants to be told; the other one assumes it."""
    return options if sys.argv[1] == "async" else {"enable_cross_partition_query": True, **options}


def asking(query):
    async def work():
        options = everywhere() if query["pk"] is None else {"partition_key": query["pk"]}
        shop = await container("shop")
        return await rows(shop.query_items(query["text"], parameters=query["parameters"], **options))

    return work


for each in question["queries"]:
    behaviours[each["name"]] = asking(each)


async def first_page(text, of, token=None):
    """@returns the page's rows, the token after it, and the rows of what follows."""
    pager = (await container("shop", of)).query_items(text, **everywhere(max_item_count=3)).by_page(token)
    found = await page(pager)
    return found, pager.continuation_token, pager


@behaviour("pages, and a token that another client goes on with")
async def _():
    text = "SELECT VALUE c.id FROM c"
    first, token, _ = await first_page(text, await client())
    second, _, pager = await first_page(text, await with_token(), token)
    return [len(first), len(second), len({*first, *second, *await page(pager)})]


@behaviour("pages of an ORDER BY, and a token that another client goes on with")
async def _():
    text = "SELECT VALUE c.id FROM c ORDER BY c.id"
    first, token, _ = await first_page(text, await client())
    second, _, _ = await first_page(text, await with_token(), token)
    return [*first, *second]


@behaviour("a syntax error")
async def _():
    shop = await container("shop")
    try:
        await rows(shop.query_items("SELEC * FROM c", **everywhere()))
        return "not refused"
    except CosmosHttpResponseError as error:
        return [error.status_code, "SC1001" in error.message]


@behaviour("query metrics")
async def _():
    shop = await container("shop")
    await rows(shop.query_items("SELECT * FROM c", partition_key="a", populate_query_metrics=True))
    metrics = shop.client_connection.last_response_headers["x-ms-documentdb-query-metrics"]
    return int(re.search(r"retrievedDocumentCount=(\d+)", metrics)[1])


@behaviour("index metrics")
async def _():
    shop = await container("shop")
    text = "SELECT * FROM c WHERE c.stock > 3"
    await rows(shop.query_items(text, **everywhere(populate_index_metrics=True)))
    metrics = shop.client_connection.last_response_headers["x-ms-cosmos-index-utilization"]
    return [each["IndexSpec"] for each in metrics["UtilizedSingleIndexes"]] == ["/stock/?"]


@behaviour("hierarchical keys: one item by its whole key")
async def _():
    tree = await container("tree")
    for name, tenant, user, session in (
        ("41", "acme", "ada", "s1"),
        ("42", "acme", "ada", "s2"),
        ("43", "acme", "bob", "s1"),
        ("44", "acme", "eve", "s1"),
        ("45", "other", "ada", "s1"),
    ):
        await got(tree.create_item({"id": name, "tenant": tenant, "user": user, "session": session}))
    return (await got(tree.read_item("42", ["acme", "ada", "s2"])))["id"]


@behaviour("hierarchical keys: prefixes")
async def _():
    tree = await container("tree")
    return [
        len(await rows(tree.query_items("SELECT * FROM c", partition_key=key))) for key in (["acme"], ["acme", "ada"])
    ]


@behaviour("hierarchical keys: a prefix in the filter")
async def _():
    tree = await container("tree")
    text = "SELECT * FROM c WHERE c.tenant = 'acme' AND c.user = 'ada'"
    return len(await rows(tree.query_items(text, **everywhere())))


@behaviour("read feed")
async def _():
    return len(await rows((await container("shop")).read_all_items()))


@behaviour("a container that is not there")
async def _():
    nowhere = await container("nowhere")
    return await status(lambda: rows(nowhere.query_items("SELECT * FROM c", **everywhere())))


# Change feed


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


async def main():
    shop = await container("shop")
    for item in question["documents"]:
        await got(shop.upsert_item(item))
    for name, work in behaviours.items():
        line = {"name": name}
        try:
            line["saw"] = await work()
        except Exception:
            line["error"] = traceback.format_exc()
        print(json.dumps(line), flush=True)
    for each in [*opened, credential]:
        close = getattr(each, "close", None)
        if close is not None:
            await got(close())


asyncio.run(main())
