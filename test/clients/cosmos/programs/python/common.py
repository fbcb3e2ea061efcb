"""What every part of the program uses: the clients, refusals, and the list of behaviours."""
import inspect
import json
import sys

from azure.cosmos.exceptions import CosmosHttpResponseError

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


async def with_credential(given):
    opened.append(CosmosClient(endpoint, credential=given))
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


def everywhere(**options):
    """What the synchronous client wants to be told; the other one assumes it."""
    return options if sys.argv[1] == "async" else {"enable_cross_partition_query": True, **options}
