"""Queries, pages, metrics and hierarchical keys."""
import re
import sys

from azure.cosmos.exceptions import CosmosHttpResponseError

from common import behaviour, behaviours, client, container, everywhere, got, page, question, rows, status, with_token


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


if sys.argv[1] == "sync":

    @behaviour("a query over partitions that the client does not ask for as one")
    async def _():
        shop = await container("shop")
        try:
            await rows(shop.query_items("SELECT * FROM c WHERE c.price > 1"))
            return "not refused"
        except CosmosHttpResponseError as error:
            return [error.status_code, "Cross partition query is required but disabled" in error.message]


@behaviour("pages of a query over the feed range of a key")
async def _():
    shop = await container("shop")
    feed_range = await got(shop.feed_range_from_partition_key("a"))
    text = "SELECT VALUE c.id FROM c ORDER BY c.id"
    return await rows(shop.query_items(text, feed_range=feed_range, max_item_count=2))


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
