"""Stored procedures, triggers, functions, and users."""
import sys
from urllib.parse import unquote

from common import (
    behaviour,
    client,
    container,
    everywhere,
    got,
    read_status,
    refusal,
    rows,
    status,
    status_of,
    with_credential,
    with_key,
)


async def make(name, body):
    scripts = (await container("scripted", await with_key())).scripts
    return await status_of(scripts.create_stored_procedure, {"id": name, "body": body})


async def run(name, *parameters, **options):
    """The two clients call the parameters by two names."""
    given = {"parameters" if sys.argv[1] == "async" else "params": list(parameters)}
    scripts = (await container("scripted")).scripts
    return await got(scripts.execute_stored_procedure(name, partition_key="p", **given, **options))


@behaviour("stored procedure: made with a key, run with a token, deleted")
async def _():
    made = await make("hello", "function (name) { getContext().getResponse().setBody('hello ' + name); }")
    answer = await run("hello", "Ada")
    scripts = (await container("scripted", await with_key())).scripts
    return [made, answer, await status_of(scripts.delete_stored_procedure, "hello")]


@behaviour("stored procedure: one that fails leaves nothing behind")
async def _():
    body = """function () {
      const items = getContext().getCollection();
      items.createDocument(items.getSelfLink(), { id: "half", pk: "p" }, () => { throw new Error("no further"); });
    }"""
    await make("half", body)
    return [await status(lambda: run("half")), await read_status(await container("scripted"), "half", "p")]


@behaviour("stored procedure: its log")
async def _():
    await make("tells", "function () { console.log('seen'); }")
    await run("tells", enable_script_logging=True)
    headers = (await container("scripted")).client_connection.last_response_headers
    return unquote(headers["x-ms-documentdb-script-log-results"]).strip()


@behaviour("a token makes no scripts")
async def _():
    scripts = (await container("scripted")).scripts
    return await refusal(lambda: scripts.create_stored_procedure({"id": "new", "body": "function () {}"}))


@behaviour("a pre-trigger changes what is created")
async def _():
    scripted = await container("scripted")
    return (await got(scripted.create_item({"id": "pre", "pk": "p"}, pre_trigger_include="stamp")))["stamp"]


@behaviour("a post-trigger that fails undoes the write")
async def _():
    scripted = await container("scripted")
    item = {"id": "post", "pk": "p"}
    return [
        await status(lambda: scripted.create_item(item, post_trigger_include="refuse")),
        await read_status(scripted, "post", "p"),
    ]


@behaviour("a function in a query")
async def _():
    scripted = await container("scripted")
    for n in (1, 2):
        await got(scripted.create_item({"id": f"f{n}", "pk": "f", "n": n}))
    text = "SELECT VALUE udf.double(c.n) FROM c WHERE c.pk = 'f' ORDER BY c.n"
    return await rows(scripted.query_items(text, **everywhere()))


@behaviour("a user's permission: reads, does not write, sees no other container")
async def _():
    database = (await with_key()).get_database_client("appdb")
    user = await got(database.create_user({"id": "ada"}))
    resource = "dbs/appdb/colls/people"
    permission = await got(user.create_permission({"id": "reads", "permissionMode": "Read", "resource": resource}))
    of = await with_credential({resource: permission.properties["_token"]})
    await got((await container("people")).create_item({"id": "reader", "pk": "r", "email": "r@example.com"}))
    people = await container("people", of)
    other = await with_credential({"dbs/appdb/colls/shop": permission.properties["_token"]})
    shop = await container("shop", other)
    return [
        await read_status(people, "reader", "r"),
        await status(lambda: people.create_item({"id": "w", "pk": "r", "email": "w@example.com"})),
        await status(lambda: shop.read_item("1", "a")),
    ]


@behaviour("a token makes no users")
async def _():
    database = (await client()).get_database_client("appdb")
    return await refusal(lambda: database.create_user({"id": "bob"}))
