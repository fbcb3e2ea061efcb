import { memoryBody } from "../../../kernel/invocation.ts";
import { Fault } from "../../../kernel/fault.ts";
import type { Request } from "../../../kernel/message.ts";
import type { Accounts } from "../accounts.ts";
import { dataActions } from "../actions.ts";
import { isKeyHolder } from "../auth/deciders.ts";
import { lookUp } from "../engine/blobs.ts";
import { checkWrite, type Conditions, conditionsOf } from "../engine/conditions.ts";
import type { BlobPlace, Engine } from "../engine/engine.ts";
import type { BlobRecord } from "../engine/records.ts";
import { storageFault } from "../faults.ts";
import { addressOf } from "../match.ts";
import { type BlobCall, containerScope } from "../target.ts";
import { badHeader, header } from "./headers.ts";

const suffix = ".blob.core.windows.net";

/** A copy's source that the caller may read. */
export interface CopySource {
  readonly place: BlobPlace;
  readonly snapshot: string | undefined;
  readonly record: BlobRecord;
  readonly conditions: Conditions | undefined;
  /** As the target remembers it: without the signature. */
  readonly url: string;
}

/**
 * Finds a copy's source within the tenant and makes sure that the caller may read it (storage.md 5.4). The production name
 * is never fetched: it would be the real internet. In the caller's own account the caller's right to read decides;
 * otherwise a HEAD of the source goes through the whole chain with the credentials that came with it: the signature in
 * its URL, `x-ms-copy-source-authorization`, or none.
 * @throws Fault CannotVerifyCopySource with the source's status, SourceConditionNotMet, BlobArchived
 */
export const openSource = async (engine: Engine, accounts: Accounts, call: BlobCall): Promise<CopySource> => {
  const text = header(call.request, "x-ms-copy-source") ?? "";
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || text.length > 8192) throw badHeader("x-ms-copy-source", text);
  const host = url.hostname.toLowerCase();
  const name = host.slice(0, -suffix.length).replace(/-secondary$/, "");
  const account = host.endsWith(suffix) ? await accounts.named(name) : undefined;
  if (account === undefined)
    throw verified(
      404,
      "ResourceNotFound",
      "The specified resource does not exist.",
      `${host} is no account of this tenant.`,
    );
  const { level, container, blob } = addressOf(url.pathname, undefined);
  if (level !== "blob" || container === undefined || blob === undefined) throw badHeader("x-ms-copy-source", text);
  const snapshot = url.searchParams.get("snapshot") ?? undefined;
  const own = account.uid === call.target.account.uid;
  const authorization = header(call.request, "x-ms-copy-source-authorization");
  const bySignature = url.searchParams.has("sig");
  const byRight = own && !bySignature && authorization === undefined;
  if (byRight && (call.caller.kind === "principal" || isKeyHolder(call.caller)))
    await requireRead(call, container, blob);
  else await dispatchRead(call, url, host, authorization);
  const place = { account: account.uid, container, blob };
  const record = await lookUp(engine, place, snapshot);
  const conditions = conditionsOf(call.request, "source");
  checkWrite(conditions, record, "sourceConditionNotMet");
  if (record === undefined) throw verified(404, "BlobNotFound", "The specified blob does not exist.");
  if (record.tier === "Archive" && header(call.request, "x-ms-access-tier") === undefined)
    throw storageFault("blobArchived");
  const kept = snapshot === undefined ? "" : `?snapshot=${encodeURIComponent(snapshot)}`;
  return { place, snapshot, record, conditions, url: `https://${host}${url.pathname}${kept}` };
};

const messages: Readonly<Record<number, string>> = {
  401: "Server failed to authenticate the request. Please refer to the information in the www-authenticate header.",
  403: "This request is not authorized to perform this operation using this permission.",
  404: "The specified resource does not exist.",
};

const verified = (status: number, code: string, message: string, hint?: string): Fault =>
  new Fault({
    status,
    code: "CannotVerifyCopySource",
    message,
    headers: { "x-ms-copy-source-error-code": code, "x-ms-copy-source-status-code": String(status) },
    ...(hint === undefined ? {} : { hint }),
  });

const requireRead = async (call: BlobCall, container: string, blob: string): Promise<void> => {
  const { account } = call.target;
  try {
    await call.require({
      kind: "data",
      name: dataActions.read,
      scope: containerScope(account, container),
      attributes: {
        "Resource[Microsoft.Storage/storageAccounts:name]": account.name,
        "Resource[Microsoft.Storage/storageAccounts/blobServices/containers:name]": container,
        "Resource[Microsoft.Storage/storageAccounts/blobServices/containers/blobs:path]": blob,
      },
    });
  } catch (error) {
    if (error instanceof Fault) throw verified(error.status, error.code, error.message, error.hint);
    throw error;
  }
};

const dispatchRead = async (
  call: BlobCall,
  url: URL,
  host: string,
  authorization: string | undefined,
): Promise<void> => {
  const version = call.target.version ?? "2026-04-06";
  const headers = new Map([
    ["x-ms-version", version],
    ...(authorization === undefined ? [] : [["authorization", authorization] as const]),
  ]);
  const part: Request = {
    method: "HEAD",
    host,
    rawPath: url.pathname,
    rawQuery: url.search.slice(1),
    query: url.searchParams,
    header: (name) => headers.get(name),
    rawHeaders: [...headers],
    body: memoryBody(Buffer.alloc(0)),
    secure: url.protocol === "https:",
    remoteAddress: call.request.remoteAddress,
    connectionApp: call.request.connectionApp,
    signal: call.request.signal,
  };
  const reply = await call.dispatch(part);
  if (reply.status < 300) return;
  const code = reply.headers?.["x-ms-error-code"];
  throw verified(
    reply.status,
    typeof code === "string" ? code : "ResourceNotFound",
    messages[reply.status] ?? "The source of the copy could not be read.",
  );
};
