import { CosmosClient } from "@azure/cosmos";
import { DefaultAzureCredential } from "@azure/identity";
import { createApp } from "./app.ts";
import { openItems } from "./items.ts";
import { readSettings } from "./settings.ts";

const { endpoint, database, container, port } = readSettings(process.env);
const client = new CosmosClient({ endpoint, aadCredentials: new DefaultAzureCredential() });
const log = (event: string, detail: Readonly<Record<string, unknown>>): void =>
  void process.stdout.write(`${JSON.stringify({ event, ...detail })}\n`);
const server = createApp(openItems(client, database, container), log).listen(port, () => {
  const address = server.address();
  log("listening", { port: typeof address === "object" && address !== null ? address.port : port });
});
process.once("SIGTERM", () => server.close(() => process.exit(0)));
