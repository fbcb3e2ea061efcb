/** Taking a request's body in, whole and checked, before anything is committed. */
import { BodyTruncated } from "../../../kernel/message.ts";
import { Fault } from "../../../kernel/fault.ts";
import type { Upload } from "../../../store/store.ts";
import { TooLarge } from "../../../store/store.ts";
import { crc64 } from "../engine/crc64.ts";
import type { Engine } from "../engine/engine.ts";
import { storageFault } from "../faults.ts";
import type { BlobCall } from "../target.ts";
import { badHeader, header } from "./headers.ts";

/** Bodies up to this size are gathered; beyond, they are streamed. */
const gatherAtMost = 64 * 1024;

export const emptyMd5 = "1B2M2Y8AsgTpgAmY7PhCfg==";

/** A body that has been received: `upload` is undefined when it was empty. */
export interface Received {
  readonly upload: Upload | undefined;
  readonly size: number;
  /** Base64. */
  readonly md5: string;
  /** Base64; only when the client sent one to compare. */
  readonly crc64: string | undefined;
}

async function* watched(
  source: AsyncIterable<Uint8Array>,
  see: (chunk: Uint8Array) => void,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of source) {
      see(chunk);
      yield chunk;
    }
  } catch (error) {
    // A request's stream fails because the client went away, or because it is too long.
    throw error instanceof Fault ? error : new BodyTruncated();
  }
}

interface Checks {
  readonly md5: string | undefined;
  readonly crc: string | undefined;
}

const base64 = (text: string, bytes: number): boolean =>
  /^[A-Za-z0-9+/]+={0,2}$/.test(text) && Buffer.from(text, "base64").length === bytes;

/** Which checksums the client wants compared. @throws Fault 400 */
const checksOf = (call: Pick<BlobCall, "request">, md5Names: readonly string[]): Checks => {
  const { request } = call;
  const md5 = md5Names.map((name) => header(request, name)).find((value) => value !== undefined);
  const crc = header(request, "x-ms-content-crc64");
  if (md5 !== undefined && crc !== undefined) throw storageFault("bothChecksums");
  if (md5 !== undefined && !base64(md5, 16)) throw storageFault("invalidMd5");
  if (crc !== undefined && !base64(crc, 8)) throw badHeader("x-ms-content-crc64", crc);
  return { md5, crc };
};

/**
 * Receives the body and compares its checksums. The caller attaches the upload in a transaction, or discards it.
 * @param md5Names headers that may hold its MD5, the first that is there wins (storage.md 6.4)
 */
export const receiveBody = async (
  engine: Engine,
  call: Pick<BlobCall, "request" | "body">,
  limit: number,
  md5Names: readonly string[] = ["content-md5"],
): Promise<Received> => {
  const { length } = call.body;
  if (length === undefined) throw storageFault("missingLength");
  if (length > limit) throw storageFault("bodyTooLarge");
  if (header(call.request, "x-ms-structured-body") !== undefined)
    throw storageFault("unsupportedHeader", {}, { detail: { HeaderName: "x-ms-structured-body" } });
  const checks = checksOf(call, md5Names);
  const received = length <= gatherAtMost ? await gather(engine, call, checks) : await stream(engine, call, checks);
  try {
    if (received.size !== length) throw storageFault("incompleteBody");
    if (checks.md5 !== undefined && checks.md5 !== received.md5)
      throw storageFault(
        "md5Mismatch",
        {},
        {
          detail: { UserSpecifiedMd5: checks.md5, ServerCalculatedMd5: received.md5 },
        },
      );
    if (checks.crc !== undefined && checks.crc !== received.crc64)
      throw storageFault(
        "crcMismatch",
        {},
        {
          detail: { UserSpecifiedCrc: checks.crc, ServerCalculatedCrc: received.crc64 },
        },
      );
    return received;
  } catch (error) {
    await forget(engine, received);
    throw error;
  }
};

const gather = async (engine: Engine, call: Pick<BlobCall, "body">, checks: Checks): Promise<Received> => {
  const bytes = await call.body.bytes();
  const crc = checks.crc === undefined ? undefined : crc64().update(bytes).digest();
  if (bytes.length === 0) return { upload: undefined, size: 0, md5: emptyMd5, crc64: crc };
  const upload = await engine.store.bytes.receive(bytes);
  return { upload, size: upload.size, md5: upload.md5.toString("base64"), crc64: crc };
};

const stream = async (engine: Engine, call: Pick<BlobCall, "body">, checks: Checks): Promise<Received> => {
  const sum = checks.crc === undefined ? undefined : crc64();
  const source = watched(call.body.stream() as AsyncIterable<Uint8Array>, (chunk) => sum?.update(chunk));
  const upload = await engine.store.bytes.receive(source);
  return { upload, size: upload.size, md5: upload.md5.toString("base64"), crc64: sum?.digest() };
};

/** Takes in bytes from elsewhere in the tenant (a copy's source). @throws Fault RequestBodyTooLarge */
export const receiveSource = async (
  engine: Engine,
  source: AsyncIterable<Uint8Array>,
  limit: number,
): Promise<Received> => {
  try {
    const upload = await engine.store.bytes.receive(source, { limit });
    const received = { upload, size: upload.size, md5: upload.md5.toString("base64"), crc64: undefined };
    if (upload.size > 0) return received;
    await forget(engine, received);
    return { ...received, upload: undefined };
  } catch (error) {
    throw error instanceof TooLarge ? storageFault("copyTooLarge") : error;
  }
};

/** Lets go of what was received and never attached. */
export const forget = async (engine: Engine, received: Pick<Received, "upload">): Promise<void> => {
  if (received.upload !== undefined) await engine.store.bytes.discard(received.upload.ref);
};

/** Runs the commit of a received body; when it fails, nothing of the body stays. */
export const committing = async <R>(engine: Engine, received: Received, commit: () => Promise<R>): Promise<R> => {
  try {
    return await commit();
  } catch (error) {
    await forget(engine, received);
    throw error;
  }
};
