/** `az cosmosdb`: the commands of the fourth tutorial, and those beside them. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { type AzSession, signIn, startAz } from "../support/az.ts";
import { needs } from "../support/skip.ts";

needs("az")("az cosmosdb", () => {
  let session: AzSession;
  beforeAll(async () => {
    session = await startAz();
    await session.bash(`${signIn} && az group create --name rg1 --location eastus`);
  });
  afterAll(() => session[Symbol.asyncDispose]());

  it("makes an account, a database and a container", async () => {
    const account = await session.json("az cosmosdb create -g rg1 -n az-cosmos --locations regionName=eastus");
    expect(account).toMatchObject({
      documentEndpoint: "https://az-cosmos.documents.azure.com:443/",
      writeLocations: [{ locationName: "East US" }],
      consistencyPolicy: { defaultConsistencyLevel: "Session" },
    });
    expect(await session.json("az cosmosdb check-name-exists -n az-cosmos")).toBe(true);
    expect(await session.json("az cosmosdb check-name-exists -n az-nothing")).toBe(false);
    await session.bash("az cosmosdb sql database create -g rg1 -a az-cosmos -n appdb");
    const container = await session.json(
      "az cosmosdb sql container create -g rg1 -a az-cosmos -d appdb -n items --partition-key-path /pk --throughput 400",
    );
    expect(container.resource).toMatchObject({ id: "items", partitionKey: { paths: ["/pk"], kind: "Hash" } });
    expect(await session.json("az cosmosdb sql container list -g rg1 -a az-cosmos -d appdb --query [].name")).toEqual([
      "items",
    ]);
    const throughput = "az cosmosdb sql container throughput";
    await session.bash(`${throughput} update -g rg1 -a az-cosmos -d appdb -n items --throughput 500`);
    expect((await session.json(`${throughput} show -g rg1 -a az-cosmos -d appdb -n items`)).resource.throughput).toBe(
      500,
    );
  });

  it("assigns native roles", async () => {
    const identity = await session.json("az identity create -g rg1 -n cosmos-app");
    const definitions = await session.json("az cosmosdb sql role definition list -g rg1 -a az-cosmos");
    expect(definitions.map(({ roleName }: { roleName: string }) => roleName)).toEqual([
      "Cosmos DB Built-in Data Reader",
      "Cosmos DB Built-in Data Contributor",
    ]);
    const assign = `az cosmosdb sql role assignment create -g rg1 -a az-cosmos --principal-id ${identity.principalId}`;
    const assignment = await session.json(
      `${assign} --scope "/" --role-definition-id 00000000-0000-0000-0000-000000000002`,
    );
    expect(assignment.principalId).toBe(identity.principalId);
    await session.bash(
      `${assign} --scope "/dbs/appdb/colls/items" --role-definition-name "Cosmos DB Built-in Data Reader"`,
    );
    const all = await session.json("az cosmosdb sql role assignment list -g rg1 -a az-cosmos");
    expect(all).toHaveLength(2);
    await session.bash(
      `az cosmosdb sql role assignment delete -g rg1 -a az-cosmos --role-assignment-id ${assignment.name} --yes`,
    );
    expect(await session.json("az cosmosdb sql role assignment list -g rg1 -a az-cosmos")).toHaveLength(1);
  });

  it("closes an account to the network and its keys to metadata, and keeps its changes", async () => {
    const update = (options: string) => session.json(`az cosmosdb update -g rg1 -n az-cosmos ${options}`);
    expect((await update("--ip-range-filter 127.0.0.1,203.0.113.0/24")).ipRules).toEqual([
      { ipAddressOrRange: "127.0.0.1" },
      { ipAddressOrRange: "203.0.113.0/24" },
    ]);
    expect((await update('--ip-range-filter ""')).ipRules).toEqual([]);
    expect((await update("--public-network-access DISABLED")).publicNetworkAccess).toMatch(/^disabled$/i);
    expect((await update("--public-network-access ENABLED")).publicNetworkAccess).toMatch(/^enabled$/i);
    const closed = await update("--disable-key-based-metadata-write-access true");
    expect(closed.disableKeyBasedMetadataWriteAccess).toBe(true);
    const continuous = await update("--backup-policy-type Continuous");
    expect(continuous.backupPolicy).toMatchObject({ type: "Continuous" });
    expect(continuous.backupPolicy.periodicModeProperties ?? null).toBeNull();
  });

  it("shows and renews keys, turns them off, and deletes", async () => {
    const keys = () => session.json("az cosmosdb keys list -g rg1 -n az-cosmos");
    const before = await keys();
    await session.bash("az cosmosdb keys regenerate -g rg1 -n az-cosmos --key-kind secondary");
    const after = await keys();
    expect(after.primaryMasterKey).toBe(before.primaryMasterKey);
    expect(after.secondaryMasterKey).not.toBe(before.secondaryMasterKey);
    const strings = await session.json("az cosmosdb keys list -g rg1 -n az-cosmos --type connection-strings");
    expect(strings.connectionStrings).toHaveLength(4);
    await session.bash(
      "az resource update --ids $(az cosmosdb show -g rg1 -n az-cosmos --query id -o tsv) --set properties.disableLocalAuth=true",
    );
    expect((await session.json("az cosmosdb show -g rg1 -n az-cosmos")).disableLocalAuth).toBe(true);
    await session.bash("az cosmosdb sql database delete -g rg1 -a az-cosmos -n appdb --yes");
    await session.bash("az cosmosdb delete -g rg1 -n az-cosmos --yes");
    expect(await session.json("az cosmosdb check-name-exists -n az-cosmos")).toBe(false);
  });
});
