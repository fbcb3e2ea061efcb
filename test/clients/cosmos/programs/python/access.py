"""Who may do what, and databases, containers, throughput."""
import base64

from azure.cosmos import PartitionKey, ThroughputProperties
from azure.cosmos.exceptions import CosmosHttpResponseError

from common import (
    behaviour,
    client,
    container,
    got,
    question,
    read_status,
    refusal,
    rows,
    status,
    status_of,
    with_key,
    with_token,
)


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


@behaviour("finds databases and containers with SQL")
async def _():
    of = await with_key()
    databases = of.query_databases("SELECT * FROM root r WHERE r.id = 'appdb'")
    parameters = [{"name": "@id", "value": "items"}]
    guarded = of.get_database_client("guarded")
    containers = guarded.query_containers("SELECT * FROM root r WHERE r.id = @id", parameters=parameters)
    return [[each["id"] for each in await rows(databases)], [each["id"] for each in await rows(containers)]]


@behaviour("creates a container with policies")
async def _():
    database = (await with_key()).get_database_client("appdb")
    made = await got(
        database.create_container(
            "policies",
            partition_key=PartitionKey("/pk"),
            default_ttl=-1,
            indexing_policy={
                "indexingMode": "consistent",
                "includedPaths": [{"path": "/*"}],
                "excludedPaths": [{"path": "/secret/*"}],
                "compositeIndexes": [[{"path": "/a", "order": "ascending"}, {"path": "/b", "order": "descending"}]],
                "vectorIndexes": [{"path": "/v", "type": "flat"}],
                "fullTextIndexes": [{"path": "/text"}],
            },
            unique_key_policy={"uniqueKeys": [{"paths": ["/email"]}]},
            conflict_resolution_policy={"mode": "LastWriterWins", "conflictResolutionPath": "/when"},
            vector_embedding_policy={
                "vectorEmbeddings": [
                    {"path": "/v", "dataType": "float32", "distanceFunction": "cosine", "dimensions": 3}
                ]
            },
            full_text_policy={"defaultLanguage": "en-US", "fullTextPaths": [{"path": "/text", "language": "en-US"}]},
        )
    )
    found = await got(made.read())
    await got(database.delete_container("policies"))
    indexing = found["indexingPolicy"]
    return {
        "excluded": [each["path"] for each in indexing["excludedPaths"] if "_etag" not in each["path"]],
        "composite": [each["path"] for each in indexing["compositeIndexes"][0]],
        "unique": found["uniqueKeyPolicy"]["uniqueKeys"][0]["paths"],
        "expires": found["defaultTtl"],
        "resolved": found["conflictResolutionPolicy"]["conflictResolutionPath"],
        "vectors": [each["path"] for each in found["vectorEmbeddingPolicy"]["vectorEmbeddings"]],
        "texts": [each["path"] for each in found["fullTextPolicy"]["fullTextPaths"]],
    }


@behaviour("a container that was made anew under its name")
async def _():
    database = (await with_key()).get_database_client("appdb")
    await got(database.create_container("anew", partition_key=PartitionKey("/pk")))
    anew = await container("anew")
    first = await status_of(anew.create_item, {"id": "1", "pk": "p"})
    await got(database.delete_container("anew"))
    await got(database.create_container("anew", partition_key=PartitionKey("/pk")))
    gone = await read_status(anew, "1", "p")
    second = await status_of(anew.create_item, {"id": "1", "pk": "p"})
    await got(database.delete_container("anew"))
    return [first, gone, second]


@behaviour("reads and replaces the throughput of a database")
async def _():
    of = await with_key()
    database = await got(of.create_database("shared", offer_throughput=400))
    before = await got(database.get_throughput())
    after = await got(database.replace_throughput(600))
    await got(of.delete_database("shared"))
    return [before.offer_throughput, after.offer_throughput]


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
