/** Joins a client and its backend after the login: bytes pass unread, with back-pressure. */
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";

const pass = (from: Duplex, to: Duplex): void => {
  from.on("data", (chunk: Buffer) => {
    if (!to.write(chunk)) from.pause();
  });
  to.on("drain", () => from.resume());
  // The last message of a backend (FATAL: terminating connection ...) must still arrive.
  from.on("end", () => to.end());
};

/**
 * @param fromClient what the client sent beyond its last login message. @param fromBackend likewise.
 */
export const splice = (client: Duplex, backend: Socket, fromClient: Buffer, fromBackend: Buffer): void => {
  const destroyBoth = (): void => {
    client.destroy();
    backend.destroy();
  };
  client.on("error", destroyBoth);
  backend.on("error", destroyBoth);
  client.on("close", () => backend.destroy());
  backend.on("close", () => {
    if (!client.writableEnded) client.end();
  });
  if (fromBackend.length > 0) client.write(fromBackend);
  if (fromClient.length > 0) backend.write(fromClient);
  pass(client, backend);
  pass(backend, client);
  client.resume();
  backend.resume();
};
