/**
 * What a Node server costs that does nothing but the work itself.
 *
 *   node bare.ts http                      answers every request with a token-sized JSON text
 *   node bare.ts files FOLDER CERT KEY     HTTPS: PUT streams to a file, hashes MD5 and syncs; GET streams it back
 *   node bare.ts same ANSWER CERT KEY      HTTPS: answers every request with the headers and the body of a JSON file
 */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream, readFileSync, statSync } from "node:fs";
import { createServer, type OutgoingHttpHeaders, type RequestListener, type Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import { basename, join } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";

const [mode, place = "", cert = "", key = ""] = process.argv.slice(2);

const token = JSON.stringify({
  access_token: "x".repeat(1100),
  client_id: "2f7c5d1e-4a7c-4c1b-9a61-6a3a4a1d0b11",
  expires_on: "1900000000",
  not_before: "1800000000",
  resource: "https://storage.azure.com",
  token_type: "Bearer",
});

const answerToken: RequestListener = (_request, response) => {
  response.writeHead(200, { "Content-Type": "application/json", "Content-Length": token.length });
  response.end(token);
};

const answerFile: RequestListener = (request, response) => {
  const file = join(place, basename(request.url ?? "x"));
  const work = async (): Promise<void> => {
    if (request.method === "PUT") {
      const hash = createHash("md5");
      const hashing = new Transform({
        transform: (chunk: Buffer, _encoding, done) => {
          hash.update(chunk);
          done(null, chunk);
        },
      });
      await pipeline(request, hashing, createWriteStream(file, { flush: true }));
      response.writeHead(201, { "Content-MD5": hash.digest("base64"), "Content-Length": 0 });
      response.end();
    } else {
      response.writeHead(200, { "Content-Length": statSync(file).size });
      await pipeline(createReadStream(file), response);
    }
  };
  work().catch(() => response.destroy());
};

const answerSame = (): RequestListener => {
  const { headers, body } = JSON.parse(readFileSync(place, "utf8")) as { headers: OutgoingHttpHeaders; body: string };
  return (_request, response) => {
    response.writeHead(200, headers);
    response.end(body);
  };
};

const secure = (answer: RequestListener): Server =>
  createSecureServer({ cert: readFileSync(cert), key: readFileSync(key), ALPNProtocols: ["http/1.1"] }, answer);
const server =
  mode === "files" ? secure(answerFile) : mode === "same" ? secure(answerSame()) : createServer(answerToken);
server.keepAliveTimeout = 75_000;
server.listen(0, "127.0.0.1", () => {
  console.log(`ready ${(server.address() as AddressInfo).port}`);
});
process.on("SIGTERM", () => process.exit());
