/** Triggers by `@azure/cosmos`: before and after a write, in its transaction. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { contributor } from "./world.ts";
import { type ScriptWorld, startScriptWorld } from "./scripts-world.ts";

let world: ScriptWorld;
beforeAll(async () => {
  world = await startScriptWorld();
  await world.assign(contributor);
  const triggers = [
    [
      "stamp",
      "Pre",
      "All",
      `function () {
        const request = getContext().getRequest();
        const document = request.getBody();
        document.stamped = request.getOperationType() + (getContext().getResponse === undefined);
        request.setBody(document);
      }`,
    ],
    ["refuse", "Pre", "Create", `function () { throw new Error(1234, "not today"); }`],
    ["other-key", "Pre", "All", `function () { __.request.setBody({ ...__.request.getBody(), pk: "elsewhere" }); }`],
    ["nonsense", "Pre", "All", `function () { __.request.setBody("nonsense"); }`],
    [
      "count",
      "Post",
      "All",
      `function () {
        const made = getContext().getResponse().getBody();
        const link = __.getAltLink() + "/docs/metadata";
        __.readDocument(link, (missing, found) => {
          const metadata = found || { id: "metadata", pk: "a", count: 0 };
          metadata.count++;
          metadata.last = made ? made.id : "none";
          __.upsertDocument(__.getSelfLink(), metadata, (error) => { if (error) throw error; });
        });
      }`,
    ],
    [
      "reply",
      "Post",
      "Replace",
      `function () { getContext().getResponse().setBody({ instead: __.request.getBody().id }); }`,
    ],
    ["fail-after", "Post", "All", `function () { throw new Error("too late?"); }`],
    [
      "archive",
      "Pre",
      "Delete",
      `function () { const d = __.request.getBody(); __.createDocument(__.getSelfLink(), { id: "archived-" + d.id, pk: d.pk, was: d.n }); }`,
    ],
    [
      "keep-history",
      "Pre",
      "Replace",
      `function () {
        const next = __.request.getBody();
        __.readDocument(next._self, (error, before) => {
          if (error) throw error;
          __.request.setBody({ ...next, history: [...(before.history || []), before.n] });
        });
      }`,
    ],
    ["slow", "Post", "All", `function () { for (;;) {} }`],
  ];
  await world.keyed()(async (client, _sdk, [all]) => {
    const { scripts } = client.database("appdb").container("items");
    for (const [id, triggerType, triggerOperation, body] of all)
      await scripts.triggers.create({ id, triggerType, triggerOperation, body } as never);
  }, triggers);
});
afterAll(async () => {
  expect(world.tenant.failures).toEqual([]);
  await world[Symbol.asyncDispose]();
});

/** As the app, whose role writes items: triggers need no right of their own. */
const write = (
  operation: "create" | "upsert" | "replace" | "delete",
  item: { id: string; pk?: string; n?: number },
  pre?: string,
  post?: string,
) =>
  world.sdk.as(world.endpoint)(
    async (client, _sdk, [how, given, preName, postName]) => {
      const container = client.database("appdb").container("items");
      const options = {
        ...(preName === undefined ? {} : { preTriggerInclude: [preName] }),
        ...(postName === undefined ? {} : { postTriggerInclude: [postName] }),
      };
      const one = container.item(given.id, "a");
      const { resource, statusCode } =
        how === "create"
          ? await container.items.create({ pk: "a", ...given }, options)
          : how === "upsert"
            ? await container.items.upsert({ pk: "a", ...given }, options)
            : how === "replace"
              ? await one.replace({ pk: "a", ...given }, options)
              : await one.delete(options);
      return { resource: resource as Record<string, unknown> | undefined, statusCode };
    },
    operation,
    item,
    pre,
    post,
  );

it("a pre-trigger changes what is written, by create, upsert and replace", async () => {
  expect((await write("create", { id: "1" }, "stamp")).resource).toMatchObject({ id: "1", stamped: "Createtrue" });
  expect((await write("upsert", { id: "1" }, "stamp")).resource).toMatchObject({ stamped: "Upserttrue" });
  expect((await write("replace", { id: "1" }, "stamp")).resource).toMatchObject({ stamped: "Replacetrue" });
});

it("a pre-trigger that throws keeps the item from being written", async () => {
  await expect(write("create", { id: "refused" }, "refuse")).rejects.toMatchObject({
    code: 400,
    substatus: 1234,
    message: expect.stringContaining("not today"),
  });
  expect(await world.ids()).not.toContain("refused");
});

it("a pre-trigger can neither leave the partition nor write nonsense", async () => {
  await expect(write("create", { id: "refused" }, "other-key")).rejects.toMatchObject({ code: 400, substatus: 1001 });
  await expect(write("create", { id: "refused" }, "nonsense")).rejects.toMatchObject({ code: 400 });
  expect(await world.ids()).not.toContain("refused");
});

it("a post-trigger writes in the same transaction, and is rolled back with it", async () => {
  await write("create", { id: "counted-1" }, undefined, "count");
  await write("upsert", { id: "counted-2" }, undefined, "count");
  await expect(write("create", { id: "counted-1" }, undefined, "count")).rejects.toMatchObject({ code: 409 });
  await expect(write("create", { id: "undone" }, undefined, "fail-after")).rejects.toMatchObject({ code: 400 });
  await write("delete", { id: "counted-1" }, undefined, "count");
  const metadata = await world.keyed()(
    async (client) => (await client.database("appdb").container("items").item("metadata", "a").read()).resource,
  );
  expect(metadata).toMatchObject({ count: 3, last: "none" });
  const ids = await world.ids();
  expect(ids).toContain("counted-2");
  expect(ids).not.toContain("undone");
  expect(ids).not.toContain("counted-1");
});

it("a post-trigger may answer in the item's place", async () => {
  await write("create", { id: "answered" });
  expect((await write("replace", { id: "answered" }, undefined, "reply")).resource).toMatchObject({
    instead: "answered",
  });
});

it("a replace's pre-trigger finds the item as it was by its self link", async () => {
  await write("create", { id: "historic", n: 1 });
  await write("replace", { id: "historic", n: 2 }, "keep-history");
  const { resource } = await write("replace", { id: "historic", n: 3 }, "keep-history");
  expect(resource).toMatchObject({ n: 3, history: [1, 2] });
  await expect(write("replace", { id: "missing", n: 3 }, "keep-history")).rejects.toMatchObject({ code: 404 });
});

it("a delete's pre-trigger sees the item that goes", async () => {
  await write("create", { id: "old", n: 42 });
  expect((await write("delete", { id: "old" }, "archive")).statusCode).toBe(204);
  const ids = await world.ids();
  expect(ids).toContain("archived-old");
  expect(ids).not.toContain("old");
  await expect(write("delete", { id: "old" }, "archive")).rejects.toMatchObject({ code: 404 });
});

it("only triggers that exist, of the right type and for the operation are run", async () => {
  const refusal = (work: Promise<unknown>) =>
    work.then(
      () => "",
      (error: { code: number; message: string }) => `${error.code} ${error.message.split("\r\n")[0]}`,
    );
  expect(await refusal(write("create", { id: "no" }, "nobody"))).toMatch(/^400 .*'nobody' does not exist/);
  expect(await refusal(write("create", { id: "no" }, "count"))).toMatch(
    /^400 .*'Post', and therefore is invalid for 'Pre'/,
  );
  expect(await refusal(write("upsert", { id: "no" }, "refuse"))).toMatch(
    /^400 .*operation type 'Create', and therefore is invalid for 'Upsert'/,
  );
  const patch = world.sdk.as(world.endpoint)(async (client) =>
    client
      .database("appdb")
      .container("items")
      .item("answered", "a")
      .patch([{ op: "set", path: "/n", value: 1 }], { preTriggerInclude: ["stamp"] }),
  );
  expect(await refusal(patch)).toMatch(/^400 /);
  expect(await world.ids()).not.toContain("no");
});

it("an endless trigger is 408, and nothing is written", async () => {
  await expect(write("create", { id: "endless" }, undefined, "slow")).rejects.toMatchObject({ code: 408 });
  expect(await world.ids()).not.toContain("endless");
});
