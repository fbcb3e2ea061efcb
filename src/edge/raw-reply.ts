import { http } from "../wire/http.ts";
import type { Duplex } from "node:stream";
import type { Reply } from "../kernel/message.ts";

const text = ({ body }: Reply): string => (body !== undefined && "json" in body ? JSON.stringify(body.json) : "");

/** Answers on a bare socket, where no response object exists (CONNECT, upgrades, unreadable requests), and closes it. */
export const rawReply = (socket: Duplex, reply: Reply): void => {
  // More of a flood arrived, inside TLS as further records, behind the first answer: that one is still going out.
  if (socket.writableEnded && !socket.destroyed) return;
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const content = text(reply);
  const headers = Object.entries(reply.headers ?? {}).map(([name, value]) => `${name}: ${String(value)}\r\n`);
  socket.once("error", () => socket.destroy());
  socket.end(
    `HTTP/1.1 ${reply.status} ${http.STATUS_CODES[reply.status] ?? ""}\r\n${headers.join("")}` +
      `Content-Type: application/json; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(content)}\r\n` +
      `Connection: close\r\n\r\n${content}`,
  );
  // Whatever is still coming is swallowed for a moment, so that the client reads the answer and not a reset.
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), 1_000);
  socket.once("close", () => clearTimeout(timer));
};
