/**
 * `@vercel/cosmosdb-server`, the peer for Cosmos DB, over HTTPS with a certificate of the caller's choice. As its command
 * runs it, it closes each connection after its answer; `keep` sets the option of its API that keeps them.
 *
 *   node cosmosdb-server.ts CERT KEY [keep]
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Server, ServerOptions } from "node:https";
import type { AddressInfo } from "node:net";

const [cert = "", key = "", mode] = process.argv.slice(2);

const { createHttpsServer } = createRequire(import.meta.url)("@vercel/cosmosdb-server") as {
  readonly createHttpsServer: (options: ServerOptions & { readonly keepAlive: boolean }) => Server;
};

const server = createHttpsServer({
  cert: readFileSync(cert),
  key: readFileSync(key),
  ALPNProtocols: ["http/1.1"],
  keepAlive: mode === "keep",
});
server.keepAliveTimeout = 75_000;
server.listen(0, "127.0.0.1", () => console.log(`ready ${(server.address() as AddressInfo).port}`));
process.on("SIGTERM", () => process.exit());
