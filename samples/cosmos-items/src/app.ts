/** The HTTP API. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type Item, ItemProblem, type Items, type Problem } from "./items.ts";

const base = "/api/cosmos/items";
const bodyLimit = 100_000;
const statuses: Readonly<Record<Problem, number>> = { invalid: 400, missing: 404, changed: 412 };

type Log = (event: string, detail: Readonly<Record<string, unknown>>) => void;

const invalid = (message: string): ItemProblem => new ItemProblem("invalid", message);

const readJson = async (request: IncomingMessage): Promise<Readonly<Record<string, unknown>>> => {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > bodyLimit) throw invalid("The body is too large.");
    chunks.push(chunk);
  }
  try {
    const value: unknown = JSON.parse(Buffer.concat(chunks).toString("utf8"));
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Told below.
  }
  throw invalid("The body must be a JSON object.");
};

/** @throws ItemProblem invalid */
const itemOf = (body: Readonly<Record<string, unknown>>, id = body["id"]): Item => {
  const { pk = id, name = "unnamed", category, price } = body;
  if (typeof id !== "string" || id === "" || /[/\\?#]/.test(id))
    throw invalid("The id must be a text without / \\ ? #.");
  if (typeof pk !== "string" || typeof name !== "string") throw invalid("pk and name must be texts.");
  if (category !== undefined && typeof category !== "string") throw invalid("The category must be a text.");
  if (price !== undefined && typeof price !== "number") throw invalid("The price must be a number.");
  return { id, pk, name, ...(category === undefined ? {} : { category }), ...(price === undefined ? {} : { price }) };
};

const send = (
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void => {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(body));
};

const sizeOf = (text: string | null): number => {
  const size = text === null ? 10 : Number(text);
  if (!Number.isInteger(size) || size < 1 || size > 100) throw invalid("size must be a number from 1 to 100.");
  return size;
};

const answer = async (items: Items, request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const url = new URL(request.url ?? "/", "http://app");
  const { pathname, searchParams } = url;
  const { method } = request;
  if (pathname === "/health" && method === "GET") return send(response, 200, { status: "ok" });
  if (pathname === base && method === "POST") {
    const { item, etag } = await items.save(itemOf(await readJson(request)));
    return send(response, 201, item, { etag });
  }
  if (pathname === base && method === "GET") {
    const category = searchParams.get("category");
    const size = sizeOf(searchParams.get("size"));
    if (category !== null) return send(response, 200, { items: await items.dearest(category, size) });
    const continuation = searchParams.get("continuation");
    return send(response, 200, await items.list({ size, ...(continuation === null ? {} : { continuation }) }));
  }
  const id = pathname.startsWith(`${base}/`) ? decodeURIComponent(pathname.slice(base.length + 1)) : "";
  if (id === "" || id.includes("/")) return send(response, 404, { error: "There is nothing here." });
  const pk = searchParams.get("pk") ?? id;
  if (method === "GET") {
    const { item, etag } = await items.read(id, pk);
    return send(response, 200, item, { etag });
  }
  if (method === "PUT") {
    const condition = request.headers["if-match"];
    if (condition === undefined)
      return send(response, 428, { error: "Send If-Match with the etag that you have read." });
    const { item, etag } = await items.replace(itemOf({ pk, ...(await readJson(request)) }, id), condition);
    return send(response, 200, item, { etag });
  }
  send(response, 405, { error: "This method is not supported here." }, { allow: "GET, PUT" });
};

export const createApp = (items: Items, log: Log): Server =>
  createServer((request, response) => {
    answer(items, request, response).catch((error: unknown) => {
      if (error instanceof ItemProblem) return send(response, statuses[error.problem], { error: error.message });
      if (error instanceof URIError) return send(response, 400, { error: "The address is not valid." });
      // What Cosmos DB says (a missing role, for instance) is for the operator; the client learns that it failed.
      const { code, message } = error as { code?: unknown; message?: unknown };
      log("request failed", { code, message });
      send(response, 502, { error: "Cosmos DB did not answer this request." });
    });
  });
