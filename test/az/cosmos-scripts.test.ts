/** `az cosmosdb sql stored-procedure | trigger | user-defined-function`. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type AzSession, signIn, startAz } from "../support/az.ts";
import { needs } from "../support/skip.ts";

needs("az")("az cosmosdb sql scripts", () => {
  let session: AzSession;
  beforeAll(async () => {
    session = await startAz();
    await session.bash(`${signIn} && az group create --name rg1 --location eastus`);
    await session.bash("az cosmosdb create -g rg1 -n az-scripts --locations regionName=eastus");
    await session.bash("az cosmosdb sql database create -g rg1 -a az-scripts -n appdb");
    await session.bash(
      "az cosmosdb sql container create -g rg1 -a az-scripts -d appdb -n items --partition-key-path /pk",
    );
    await writeFile(join(session.folder, "hello.js"), "function () { getContext().getResponse().setBody('hello'); }");
  });
  afterAll(() => session[Symbol.asyncDispose]());
  const place = "-g rg1 -a az-scripts -d appdb -c items";

  it.each([
    ["stored-procedure", ""],
    ["trigger", "--type Pre --operation Create"],
    ["user-defined-function", ""],
  ])("makes, changes, shows, lists and deletes a %s", async (kind, more) => {
    const command = `az cosmosdb sql ${kind}`;
    const made = await session.json(`${command} create ${place} -n one -b "function () {}" ${more}`);
    expect(made.resource).toMatchObject({ id: "one", body: "function () {}" });
    if (kind === "trigger") expect(made.resource).toMatchObject({ triggerType: "Pre", triggerOperation: "Create" });
    await session.bash(`${command} update ${place} -n one -b @hello.js`);
    expect((await session.json(`${command} show ${place} -n one`)).resource.body).toContain("hello");
    expect(await session.json(`${command} list ${place} --query [].name`)).toEqual(["one"]);
    await session.bash(`${command} delete ${place} -n one --yes`);
    expect(await session.json(`${command} list ${place} --query [].name`)).toEqual([]);
    await session.fails(`${command} show ${place} -n one`);
  });
});
