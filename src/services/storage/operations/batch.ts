import { memoryBody } from "../../../kernel/invocation.ts";
import type { Method, Reply, Request } from "../../../kernel/message.ts";
import { storageFault } from "../faults.ts";
import { addressOf } from "../match.ts";
import { blobOperation, type BlobCall, type BlobOperation } from "../target.ts";
import { badHeader, header } from "./headers.ts";
import { containerWrite } from "./rules.ts";

const mostParts = 256;
const bodyLimit = 4 * 1024 * 1024;

/**
 * Blob Batch (storage.md 5.3): each part goes through the whole chain with its own credentials; the right to the batch
 * alone grants nothing else. No order, not atomic.
 */
export const batchOperations: readonly BlobOperation[] = (
  [
    ["/", undefined],
    ["/:container", "container"],
  ] as const
).map(([path, restype]) =>
  blobOperation({
    name: "SubmitBatch",
    method: "POST",
    path,
    query: { comp: "batch", ...(restype === undefined ? {} : { restype }) },
    bodyLimit,
    needs: containerWrite,
    sas: { resource: "any", service: true, letters: { "*": "any" } },
    handle: (call) => batch(call),
  }),
);

interface Part {
  readonly contentId: string;
  readonly method: Method;
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
}

const invalid = (why: string): Error => storageFault("invalidInput", {}, { detail: { Reason: why } });

const batch = async (call: BlobCall): Promise<Reply> => {
  const type = header(call.request, "content-type") ?? "";
  const boundary = /^multipart\/mixed;\s*boundary="?([^";\s]+)"?/i.exec(type)?.[1];
  if (boundary === undefined) throw badHeader("Content-Type", type);
  const parts = partsOf((await call.body.bytes()).toString("utf8"), boundary);
  checkParts(parts, call);
  const name = `batchresponse_${call.ids.guid()}`;
  let text = "";
  for (const part of parts) text += `--${name}\r\n${await answerOf(part, call)}`;
  return {
    status: 202,
    headers: { "content-type": `multipart/mixed; boundary=${name}` },
    body: { text: `${text}--${name}--\r\n`, type: `multipart/mixed; boundary=${name}` },
  };
};

/** Nothing runs unless every part can be read. @throws Fault 400 */
const partsOf = (text: string, boundary: string): readonly Part[] => {
  const pieces = text.split(`--${boundary}`);
  const end = pieces.pop();
  if (end?.startsWith("--") !== true || pieces.length < 2) throw invalid("The batch has no parts or no end.");
  return pieces.slice(1).map(partOf);
};

const partOf = (piece: string): Part => {
  const lines = piece.replace(/^\r?\n/, "").split(/\r?\n/);
  const outer = headersOf(lines.splice(0, blankAt(lines) + 1));
  const start = /^(DELETE|PUT) (\S+) HTTP\/1\.1$/.exec(lines.shift() ?? "");
  if (start === null) throw invalid("A part holds no request, or one that a batch cannot hold.");
  const headers = headersOf(lines.slice(0, blankAt(lines)));
  if (outer.find(([key]) => key === "content-type")?.[1] !== "application/http")
    throw invalid("A part is no application/http.");
  if (headers.some(([key]) => key === "x-ms-version")) throw invalid("A part must not name x-ms-version.");
  return {
    contentId: outer.find(([key]) => key === "content-id")?.[1] ?? "",
    method: start[1] === "PUT" ? "PUT" : "DELETE",
    path: (start[2] ?? "").replace(/^https?:\/\/[^/]+/i, ""),
    headers,
  };
};

const blankAt = (lines: readonly string[]): number => {
  const at = lines.findIndex((line) => line.trim() === "");
  return at < 0 ? lines.length : at;
};

const headersOf = (lines: readonly string[]): (readonly [string, string])[] =>
  lines
    .filter((line) => line.trim() !== "")
    .map((line) => {
      const colon = line.indexOf(":");
      if (colon <= 0) throw invalid("A header of a part is malformed.");
      return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()] as const;
    });

/** Only Delete Blob or only Set Blob Tier, all in the container that the batch names. */
const checkParts = (parts: readonly Part[], call: BlobCall): void => {
  if (parts.length > mostParts) throw invalid(`A batch holds at most ${mostParts} requests.`);
  const kinds = new Set(parts.map((part) => kindOf(part)));
  if (kinds.size !== 1) throw invalid("A batch holds requests of one kind.");
  const { container } = call.target;
  for (const part of parts) {
    const address = addressOf(part.path.split("?")[0] ?? "/", undefined);
    const onBlob = address.level === "blob" && !/[?&]restype=/i.test(part.path);
    if (!onBlob) throw invalid("A batch holds requests on blobs only.");
    if (container !== undefined && address.container !== container) throw invalid("A part is of another container.");
  }
};

const kindOf = ({ method, path }: Part): string => {
  const comp = new URLSearchParams(path.split("?")[1] ?? "").get("comp")?.toLowerCase() ?? "";
  if ((method === "DELETE" && comp === "") || (method === "PUT" && comp === "tier")) return `${method} ${comp}`;
  throw invalid("A batch holds only Delete Blob or Set Blob Tier.");
};

const requestOf = ({ method, path, headers }: Part, call: BlobCall): Request => {
  const mark = path.indexOf("?");
  const rawQuery = mark < 0 ? "" : path.slice(mark + 1);
  const values = new Map(headers);
  const version = call.request.header("x-ms-version");
  return {
    method,
    host: call.request.host,
    rawPath: mark < 0 ? path : path.slice(0, mark),
    rawQuery,
    query: new URLSearchParams(rawQuery),
    // The version is the batch's; it is no part of what a part's key holder signed, and so not among the raw headers.
    header: (name) => (name === "x-ms-version" ? version : values.get(name)),
    rawHeaders: headers,
    body: memoryBody(Buffer.alloc(0)),
    secure: call.request.secure,
    remoteAddress: call.request.remoteAddress,
    connectionApp: call.request.connectionApp,
    signal: call.request.signal,
  };
};

const reasons: Readonly<Record<number, string>> = { 200: "OK", 202: "Accepted" };

const answerOf = async (part: Part, call: BlobCall): Promise<string> => {
  const reply = await call.dispatch(requestOf(part, call));
  const body = reply.body !== undefined && "text" in reply.body ? reply.body.text : "";
  const reason = reasons[reply.status] ?? firstLine(body);
  const headers = Object.entries(reply.headers ?? {})
    .filter(([name]) => name.toLowerCase() !== "x-lanyard-hint" && name.toLowerCase() !== "date")
    .map(([name, value]) => `${name}: ${String(value)}\r\n`)
    .join("");
  const length = body === "" ? "" : `Content-Type: application/xml\r\nContent-Length: ${Buffer.byteLength(body)}\r\n`;
  return (
    `Content-Type: application/http\r\nContent-ID: ${part.contentId}\r\n\r\n` +
    `HTTP/1.1 ${reply.status} ${reason}\r\n${headers}${length}\r\n${body}${body === "" ? "" : "\r\n"}`
  );
};

/** Reason phrase of a failed part: the first line of its message. */
const firstLine = (body: string): string => /<Message>([^\n<]*)/.exec(body)?.[1] ?? "Error";
