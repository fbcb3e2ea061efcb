// The least that listens: what any Node server's start costs. Plain JavaScript, so that no types have to be stripped.
import { createServer } from "node:http";

const server = createServer((_request, response) => response.end("hello\n"));
server.listen(0, "127.0.0.1", () => console.log("ready"));
process.on("SIGTERM", () => process.exit());
