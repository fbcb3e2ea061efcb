"""Transactional batches."""
from azure.cosmos.exceptions import CosmosBatchOperationError

from common import behaviour, container, got, read_status, rows


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


@behaviour("batch of a hundred, and its items in pages of forty")
async def _():
    items = await container("items")
    statuses = await batch(items, [("create", ({"id": str(n), "pk": "hundred"},)) for n in range(100)], "hundred")
    pager = items.query_items("SELECT * FROM c", partition_key="hundred", max_item_count=40).by_page()
    pages = [await rows(each) async for each in pager] if hasattr(pager, "__aiter__") else [list(each) for each in pager]
    found = {row["id"] for each in pages for row in each}
    return [statuses.count(201), len([each for each in pages if each]), len(found)]
