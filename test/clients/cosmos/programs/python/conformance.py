"""What azure-cosmos sees, one JSON line per behaviour of ../../behaviours.ts. Reads the question from standard input.

The argument says which of the two clients: `sync` or `async`. Their calls have the same names, so one program serves both.
"""
import asyncio
import json
import traceback

# Each part registers its behaviours; they run in this order.
import access
import items
import batches
import queries
import changes
import scripts
from common import behaviours, container, credential, got, opened, question


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
