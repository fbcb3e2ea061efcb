/** The fourth tutorial through `az`: its own command as it is printed, its app deployed, the role that it names assigned. */
import { copyFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type AzSession, signIn, startAz } from "../support/az.ts";
import { recipeApp, recipeCommand, withRecipe } from "../support/recipe.ts";
import { needs } from "../support/skip.ts";
import { root } from "../support/source.ts";

const curl = "curl --silent --show-error";

needs("az", "python")("tutorial 4 through az", () => {
  withRecipe("as it is printed", () => {
    let session: AzSession;
    beforeAll(async () => {
      session = await startAz();
      session.set("RG", "recipe");
      session.set("APP_NAME", "recipe-az");
      session.set("COSMOS_ACCOUNT", "recipe-cosmos");
      await writeFile(join(session.folder, "app.py"), recipeApp());
      const requirements = join(root, "test", "python", "fixtures", "cosmos-recipe", "requirements.txt");
      await copyFile(requirements, join(session.folder, "requirements.txt"));
      await session.bash(signIn);
    });
    afterAll(() => session[Symbol.asyncDispose]());

    it("makes what it starts from: account, database, container, a site with an identity", async () => {
      await session.bash("az group create --name $RG --location eastus");
      await session.bash("az cosmosdb create --resource-group $RG --name $COSMOS_ACCOUNT");
      await session.bash("az cosmosdb sql database create -g $RG -a $COSMOS_ACCOUNT -n appdb");
      await session.bash(
        "az cosmosdb sql container create -g $RG -a $COSMOS_ACCOUNT -d appdb -n items --partition-key-path /pk",
      );
      await session.bash("az appservice plan create --resource-group $RG --name plan --is-linux --sku B1");
      await session.bash(
        "az webapp create --resource-group $RG --plan plan --name $APP_NAME --runtime PYTHON:3.11 --assign-identity [system]",
      );
    });

    it("gives the site its settings by the tutorial's own command", async () => {
      await session.bash(recipeCommand());
      const settings = await session.json("az webapp config appsettings list -g $RG -n $APP_NAME");
      expect(Object.fromEntries(settings.map((each: Record<string, string>) => [each["name"], each["value"]]))).toEqual(
        expect.objectContaining({
          COSMOS_ENDPOINT: "https://recipe-cosmos.documents.azure.com:443/",
          COSMOS_DATABASE: "appdb",
          COSMOS_CONTAINER: "items",
        }),
      );
    });

    it("assigns the role that the tutorial names, and the deployed app works", async () => {
      await session.bash(`
        az cosmosdb sql role assignment create \\
          --resource-group $RG \\
          --account-name $COSMOS_ACCOUNT \\
          --role-definition-name "Cosmos DB Built-in Data Contributor" \\
          --scope "/" \\
          --principal-id $(az webapp identity show -g $RG -n $APP_NAME --query principalId --output tsv)`);
      await session.bash(
        "az webapp config appsettings set -g $RG -n $APP_NAME --settings SCM_DO_BUILD_DURING_DEPLOYMENT=true",
      );
      await session.bash("python3 -m zipfile -c site.zip app.py requirements.txt");
      await session.bash("az webapp deploy -g $RG -n $APP_NAME --src-path site.zip --type zip", { timeout: 240_000 });
      const items = `https://$APP_NAME.azurewebsites.net/api/cosmos/items`;
      const created = await session.json(
        `${curl} -X POST ${items} -H 'content-type: application/json' -d '{"id": "1", "name": "Ada"}'`,
      );
      expect(created).toMatchObject({ id: "1", pk: "1", name: "Ada" });
      expect(await session.json(`${curl} ${items}/1`)).toEqual(created);
      expect(session.tenant.failures).toEqual([]);
    });
  });
});
