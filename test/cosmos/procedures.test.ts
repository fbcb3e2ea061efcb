/** Stored procedures by `@azure/cosmos`: kept, run, and all or nothing. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { contributor, reader } from "./world.ts";
import { type ScriptWorld, startScriptWorld } from "./scripts-world.ts";

let world: ScriptWorld;
beforeAll(async () => {
  world = await startScriptWorld();
});
afterAll(async () => {
  expect(world.tenant.failures).toEqual([]);
  await world[Symbol.asyncDispose]();
});

const create = `function (id, more) {
  __.createDocument(__.getSelfLink(), { id, pk: "a", ...more }, (error, made) => {
    if (error) throw error;
    getContext().getResponse().setBody(made);
  });
}`;

describe("definitions of scripts", () => {
  it("are made, read, listed, queried, replaced and deleted, each kind under its own rid", async () => {
    const found = await world.keyed()(async (client) => {
      const { scripts } = client.database("appdb").container("items");
      const status = async (work: Promise<unknown>) =>
        work.then(
          () => 0,
          (error: { code: number }) => error.code,
        );
      const made = await scripts.storedProcedures.create({ id: "one", body: "function () {}" });
      await scripts.triggers.create({
        id: "one",
        body: "function () {}",
        triggerType: "Pre" as never,
        triggerOperation: "All" as never,
      });
      await scripts.userDefinedFunctions.create({ id: "one", body: "function (x) { return x; }" });
      const again = await status(scripts.storedProcedures.create({ id: "one", body: "function () {}" }));
      const one = scripts.storedProcedure("one");
      const replaced = await one.replace({ id: "one", body: "function () { return 1; }" });
      const stale = await status(
        one.replace(
          { id: "one", body: "x" },
          { accessCondition: { type: "IfMatch", condition: made.resource?._etag as string } },
        ),
      );
      const listed = await scripts.storedProcedures.readAll().fetchAll();
      const queried = await scripts.storedProcedures
        .query({ query: "SELECT VALUE p.id FROM p WHERE p.id = @id", parameters: [{ name: "@id", value: "one" }] })
        .fetchAll();
      const kinds = [
        made.resource?._rid as string,
        (await scripts.trigger("one").read()).resource?._rid as string,
        (await scripts.userDefinedFunction("one").read()).resource?._rid as string,
      ].map((rid) => (Buffer.from(rid.replaceAll("-", "/"), "base64")[15] as number) >> 4);
      const trigger = (await scripts.trigger("one").read()).resource;
      await one.delete();
      return {
        self: made.resource?._self,
        rid: made.resource?._rid,
        ts: made.resource?._ts,
        kinds,
        again,
        stale,
        body: replaced.resource?.body,
        listed: listed.resources.map(({ id }) => id),
        queried: queried.resources,
        trigger: [trigger?.triggerType, trigger?.triggerOperation],
        gone: await status(one.delete()),
        missing: await status(one.execute("a")),
      };
    });
    expect(found.self).toMatch(new RegExp(`^dbs/[^/]+/colls/[^/]+/sprocs/${found.rid?.replaceAll("+", "\\+")}/$`));
    expect(found.ts).toBeGreaterThan(1_700_000_000);
    expect(found).toMatchObject({
      kinds: [8, 7, 6],
      again: 409,
      stale: 412,
      body: "function () { return 1; }",
      listed: ["one"],
      queried: ["one"],
      trigger: ["Pre", "All"],
      gone: 404,
      missing: 404,
    });
  });

  it("need a body, and triggers a type and an operation", async () => {
    const messages = await world.keyed()(async (client) => {
      const { scripts } = client.database("appdb").container("items");
      const message = (work: Promise<unknown>) =>
        work.then(
          () => "",
          (error: { code: number; message: string }) => `${error.code} ${error.message}`,
        );
      const trigger = (more: object) =>
        message(scripts.triggers.create({ id: "bad", body: "function () {}", ...more } as never));
      return [
        await message(scripts.storedProcedures.create({ id: "bad" })),
        await message(scripts.userDefinedFunctions.create({ id: "bad" })),
        await trigger({ triggerOperation: "All" }),
        await trigger({ triggerType: "Pre" }),
        await trigger({ triggerType: "Middle", triggerOperation: "All" }),
      ];
    });
    expect(messages[0]).toMatch(/^400 .*required properties - 'body; '/s);
    expect(messages[1]).toMatch(/^400 .*'body; '/s);
    expect(messages[2]).toMatch(/^400 .*'triggerType; '/s);
    expect(messages[3]).toMatch(/^400 .*'triggerOperation; '/s);
    expect(messages[4]).toMatch(/^400 .*Middle/s);
  });

  it("are for keys alone: a token runs stored procedures and can neither read nor write them", async () => {
    await world.run(create, ["for-token"]);
    const attempt = () =>
      world.sdk.as(world.endpoint)(async (client) => {
        const { scripts } = client.database("appdb").container("items");
        const status = (work: Promise<unknown>) =>
          work.then(
            () => "ok",
            (error: { code: number; substatus: number }) => `${error.code}/${error.substatus}`,
          );
        return {
          execute: await status(scripts.storedProcedure("run-1").execute("a", ["by-token"])),
          read: await status(scripts.storedProcedure("run-1").read()),
          list: await status(scripts.storedProcedures.readAll().fetchAll()),
          create: await status(scripts.storedProcedures.create({ id: "x", body: "function () {}" })),
          remove: await status(scripts.userDefinedFunction("one").delete()),
        };
      });
    const refused = { read: "403/5300", list: "403/5300", create: "403/5300", remove: "403/5300" };
    const undoReader = await world.assign(reader);
    expect(await attempt()).toEqual({ ...refused, execute: "403/5301" });
    await undoReader();
    const undo = await world.assign(contributor);
    expect(await attempt()).toEqual({ ...refused, execute: "ok" });
    await undo();
    const readOnly = await world.sdk.as(
      world.endpoint,
      world.keys.primaryReadonlyMasterKey,
    )(async (client) => {
      const { scripts } = client.database("appdb").container("items");
      const read = await scripts.storedProcedure("run-1").read();
      const write = await scripts
        .storedProcedure("run-1")
        .execute("a", ["x"])
        .catch((error: { code: number }) => error.code);
      return [read.statusCode, write];
    });
    expect(readOnly).toEqual([200, 403]);
  });

  it("go with their container", async () => {
    const left = await world.keyed()(async (client) => {
      const database = client.database("appdb");
      const make = () => database.containers.create({ id: "again", partitionKey: { paths: ["/pk"] } });
      const { container } = await make();
      await container.scripts.storedProcedures.create({ id: "one", body: "function () {}" });
      await container.delete();
      await make();
      return (await container.scripts.storedProcedures.readAll().fetchAll()).resources.length;
    });
    expect(left).toBe(0);
  });
});

describe("a stored procedure", () => {
  it("gets its arguments, answers with the body that it set, and logs what it printed", async () => {
    const { value, log, charge } = await world.run<unknown>(
      `function (a, b) {
        console.log("The value of %s is %s.", "x", 1);
        console.log(" And ä.");
        getContext().getResponse().setBody({ sum: a + b.n, none: arguments.length });
      }`,
      [1, { n: 2 }],
    );
    expect(value).toEqual({ sum: 3, none: 2 });
    expect(log).toBe("The value of x is 1. And ä.");
    expect(charge).toBeGreaterThan(0);
  });

  it("answers with nothing when it sets nothing, whatever becomes of its promises", async () => {
    expect((await world.run("function () {}")).value ?? "").toBe("");
    expect((await world.run(`async function () { throw new Error("lost"); }`)).value ?? "").toBe("");
  });

  it("reads, queries, replaces and deletes by self links and by names, and sees what it has written", async () => {
    const { value } = await world.run<unknown>(
      `async function () {
        const c = getContext().getCollection();
        const [self, alt] = [c.getSelfLink(), c.getAltLink()];
        const ask = (name, ...given) => new Promise((done, fail) => c[name](...given, (error, value) => error ? fail(error) : done(value)));
        try {
          const made = await ask("createDocument", self, { pk: "crud", n: 1 }, {});
          const read = await ask("readDocument", made._self);
          const replaced = await ask("replaceDocument", made._self, { ...read, n: 2 }, { etag: made._etag });
          const upserted = await ask("upsertDocument", alt, { id: "named", pk: "crud", n: 7 });
          const query = { query: "SELECT VALUE x.n FROM x WHERE x.n >= @n ORDER BY x.n", parameters: [{ name: "@n", value: 2 }] };
          const queried = await ask("queryDocuments", self, query);
          await ask("deleteDocument", alt + "/docs/named", {});
          const left = await ask("queryDocuments", self, "SELECT VALUE COUNT(1) FROM c");
          getContext().getResponse().setBody([made.n, read.n, replaced.n, upserted.n, queried, left, made.id.length]);
        } catch (error) {
          getContext().abort(error);
        }
      }`,
      [],
      "crud",
    );
    expect(value).toEqual([1, 1, 2, 7, [2, 7], [1], 36]);
    expect(await world.ids("crud")).toHaveLength(1);
  });

  it("pages through queries by continuation, within one run and over several", async () => {
    await world.run(
      `function () { for (let n = 0; n < 25; n++) __.createDocument(__.getSelfLink(), { id: "p" + n, pk: "pages", n }); }`,
      [],
      "pages",
    );
    const paging = `function (pageSize, continuation, once) {
      const found = [];
      (function next(continuation) {
        __.queryDocuments(__.getSelfLink(), "SELECT VALUE c.n FROM c", { pageSize, continuation }, (error, page, info) => {
          if (error) throw error;
          found.push(...page);
          if (info.continuation && !once) next(info.continuation);
          else __.response.setBody({ found, continuation: info.continuation });
        });
      })(continuation);
    }`;
    const whole = await world.run<{ found: number[] }>(paging, [10], "pages");
    expect(whole.value.found).toEqual(Array.from({ length: 25 }, (_, n) => n));
    const first = await world.run<{ found: number[]; continuation: string }>(paging, [10, undefined, true], "pages");
    const second = await world.run<{ found: number[] }>(paging, [10, first.value.continuation, true], "pages");
    expect([...first.value.found, ...second.value.found]).toEqual(Array.from({ length: 20 }, (_, n) => n));
  });

  it("queries in JavaScript: filter, map, pluck, sortBy, unwind", async () => {
    const { value } = await world.run<unknown>(
      `function () {
        for (const [id, n] of [["x", 3], ["y", 1], ["z", 2]]) __.createDocument(__.getSelfLink(), { id, pk: "js", n, tags: [id, id + n] });
        const result = {};
        __.filter((d) => d.n > 1, (error, found) => { result.filtered = found.map((d) => d.id); });
        __.pluck("n", (error, found) => { result.plucked = found; });
        __.chain().filter((d) => d.n < 3).sortByDescending((d) => d.n).map((d) => ({ at: d.n })).value((error, found) => { result.chained = found; });
        const asked = __.chain().unwind((d) => d.tags, (d, tag) => d.n + tag).value((error, found) => {
          result.unwound = found;
          __.response.setBody(result);
        });
        if (!asked.isAccepted) throw new Error("not accepted");
      }`,
      [],
      "js",
    );
    expect(value).toEqual({
      filtered: ["x", "z"],
      plucked: [3, 1, 2],
      chained: [{ at: 2 }, { at: 1 }],
      unwound: ["3x", "3x3", "1y", "1y1", "2z", "2z2"],
    });
  });

  it("sorts all of a partition, which is more than a page of it", async () => {
    const { value } = await world.run<unknown>(
      `function () {
        const text = "x".repeat(1.2e6);
        for (let n = 0; n < 6; n++) __.createDocument(__.getSelfLink(), { id: "l" + n, pk: "large", n: (n * 5) % 6, text });
        const read = (n, continuation) => __.readDocuments(__.getSelfLink(), { pageSize: -1, continuation }, (error, page, info) => {
          if (error) throw error;
          if (info.continuation) return read(n + 1, info.continuation);
          __.chain().sortByDescending((d) => d.n).map((d) => d.n).value((failed, found) => __.response.setBody([n, failed, found]));
        });
        read(1);
      }`,
      [],
      "large",
    );
    expect(value).toEqual([2, null, [5, 4, 3, 2, 1, 0]]);
  });

  it("waits for promises over the server-side API", async () => {
    const { value } = await world.run<unknown>(
      `async function () {
        const made = await new Promise((done, fail) => __.createDocument(__.getSelfLink(), { id: "promised", pk: "a" }, (error, made) => error ? fail(error) : done(made)));
        __.response.setBody(made.id);
      }`,
    );
    expect(value).toBe("promised");
  });
});

describe("the transaction of a stored procedure", () => {
  it("is rolled back when the script throws: 400, the number of the error as sub-status", async () => {
    const failing = world.run(
      `function () {
        __.createDocument(__.getSelfLink(), { id: "r1", pk: "rolled" }, () => {
          __.createDocument(__.getSelfLink(), { id: "r2", pk: "rolled" }, () => { throw new Error(4711, "no, after all"); });
        });
      }`,
      [],
      "rolled",
    );
    await expect(failing).rejects.toMatchObject({
      code: 400,
      substatus: 4711,
      message: expect.stringContaining(
        "Encountered exception while executing Javascript. Exception = Error: no, after all",
      ),
    });
    expect(await world.ids("rolled")).toEqual([]);
  });

  it("is rolled back by abort, and by an error that no callback takes", async () => {
    const body = (end: string) => `async function () {
      __.createDocument(__.getSelfLink(), { id: "r3", pk: "rolled" });
      ${end}
    }`;
    await expect(world.run(body(`getContext().abort(new Error("enough"));`), [], "rolled")).rejects.toThrow("enough");
    await expect(
      world.run(body(`__.createDocument(__.getSelfLink(), { id: "r3", pk: "rolled" });`), [], "rolled"),
    ).rejects.toMatchObject({ code: 400, substatus: 409 });
    await expect(world.run("function () { this is no script }")).rejects.toThrow("compiling Javascript");
    expect(await world.ids("rolled")).toEqual([]);
  });

  it("goes on when a callback takes the error", async () => {
    const { value } = await world.run<unknown>(
      `function () {
        __.createDocument(__.getSelfLink(), { id: "same", pk: "taken" });
        __.createDocument(__.getSelfLink(), { id: "same", pk: "taken" }, (error) => {
          __.readDocument(__.getAltLink() + "/docs/none", (missing) => {
            __.createDocument(__.getSelfLink(), { id: "other", pk: "elsewhere" }, (wrong) => {
              __.response.setBody([error.number, missing.number, wrong.number, error.number === 409 && typeof error.body]);
            });
          });
        });
      }`,
      [],
      "taken",
    );
    expect(value).toEqual([409, 404, 400, "string"]);
    expect(await world.ids("taken")).toEqual(["same"]);
  });

  it("stays in one logical partition and one container", async () => {
    await expect(
      world.run(`function () { __.readDocument("dbs/appdb/colls/unique/docs/1", () => {}); }`),
    ).rejects.toThrow("outside current collection");
    const others = await world.run<unknown>(
      `function () { __.queryDocuments(__.getSelfLink(), "SELECT * FROM c", (error, found) => __.response.setBody(found)); }`,
      [],
      "nobody",
    );
    expect(others.value).toEqual([]);
  });

  it("loses no update: twenty runs of a counter beside writers that replace by etag", async () => {
    const total = await world.keyed()(async (client) => {
      const container = client.database("appdb").container("items");
      await container.items.create({ id: "counter", pk: "busy", n: 0 });
      await container.scripts.storedProcedures.create({
        id: "increment",
        body: `function () {
          __.queryDocuments(__.getSelfLink(), "SELECT * FROM c WHERE c.id = 'counter'", (error, [found]) => {
            if (error) throw error;
            found.n++;
            __.replaceDocument(found._self, found, (failed) => { if (failed) throw failed; });
          });
        }`,
      });
      const item = container.item("counter", "busy");
      let refused = 0;
      const run = async (): Promise<void> => {
        try {
          await container.scripts.storedProcedure("increment").execute("busy");
        } catch (error) {
          if ((error as { code: number }).code !== 449) throw error;
          refused++;
          return run();
        }
      };
      const replace = async (): Promise<void> => {
        const { resource, etag } = await item.read<{ id: string; pk: string; n: number }>();
        try {
          await item.replace(
            { id: "counter", pk: "busy", n: (resource?.n ?? 0) + 1 },
            { accessCondition: { type: "IfMatch", condition: etag } },
          );
        } catch (error) {
          if ((error as { code: number }).code !== 412) throw error;
          return replace();
        }
      };
      await Promise.all(Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? run() : replace()).then(run)));
      return { n: (await item.read<{ n: number }>()).resource?.n, refused };
    });
    expect(total.n).toBe(40);
  });
});

describe("a stored procedure that takes too long", () => {
  it("is 408, leaves nothing behind, and holds up nobody else", async () => {
    const running = world.run(
      `function () {
        __.createDocument(__.getSelfLink(), { id: "endless", pk: "endless" }, () => { for (;;) {} });
      }`,
      [],
      "endless",
    );
    const ended = running.then(
      () => "ended",
      (error: { code: number; message: string }) => error,
    );
    const answered: unknown[] = [];
    const over = new AbortController();
    void ended.then(() => over.abort());
    while (!over.signal.aborted) {
      answered.push((await world.run("function () { __.response.setBody(1); }")).value, await world.ids("endless"));
      await new Promise((done) => setTimeout(done, 200));
    }
    expect(await ended).toMatchObject({
      code: 408,
      message: expect.stringContaining("exceeded maximum alloted time"),
    });
    // At least once a second in all of the five.
    expect(answered.length).toBeGreaterThan(10);
    expect(answered.filter((each) => each !== 1 && (each as string[]).length > 0)).toEqual([]);
    expect(await world.ids("endless")).toEqual([]);
  });

  it("is told in time that nothing more is taken up, and ends in good order with what it has done", async () => {
    const { value } = await world.run<number>(
      `function () {
        let n = 0;
        (function next() {
          const until = new Date().getTime() + 50;
          while (new Date().getTime() < until);
          if (!__.createDocument(__.getSelfLink(), { id: "n" + n, pk: "partly" }, () => { n++; next(); })) __.response.setBody(n);
        })();
      }`,
      [],
      "partly",
    );
    expect(value).toBeGreaterThan(5);
    expect(await world.ids("partly")).toHaveLength(value);
  });
});
