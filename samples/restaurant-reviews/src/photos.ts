import { randomUUID } from "node:crypto";
import type { TokenCredential } from "@azure/identity";
import { BlobServiceClient } from "@azure/storage-blob";
import { storageFailure } from "./failure.ts";
import type { StorageSettings } from "./settings.ts";

export const PHOTO_LIMIT_BYTES = 5 * 1024 * 1024;
const CONTAINER = "photos";
const WALL_SIZE = 60;

export interface ImageType {
  readonly extension: "png" | "jpg" | "gif" | "webp";
  readonly contentType: string;
}

export interface Photos {
  /** `https://{account}.blob.core.windows.net`: where the pages may show images from. */
  readonly origin: string;
  /** Address of a photo, readable by anyone: the container allows anonymous access to its blobs. */
  url(name: string): string;
  /** Stores a photo and gives its name, `<uuid>.<extension>`. */
  add(bytes: Uint8Array, type: ImageType): Promise<string>;
  remove(name: string): Promise<void>;
  /** Names of stored photos, newest first (of at most 5000 looked at). */
  latest(): Promise<string[]>;
}

/**
 * What kind of image the bytes are, by their first bytes: the name and type that a browser sends are only claims.
 * SVG is left out on purpose: it can carry scripts.
 */
export function sniffImage(bytes: Uint8Array): ImageType | undefined {
  const starts = (signature: string, offset = 0): boolean =>
    Buffer.from(bytes.subarray(offset, offset + signature.length)).toString("latin1") === signature;
  if (starts("\x89PNG\r\n\x1a\n")) return { extension: "png", contentType: "image/png" };
  if (starts("\xff\xd8\xff")) return { extension: "jpg", contentType: "image/jpeg" };
  if (starts("GIF87a") || starts("GIF89a")) return { extension: "gif", contentType: "image/gif" };
  if (starts("RIFF") && starts("WEBP", 8)) return { extension: "webp", contentType: "image/webp" };
  return undefined;
}

export function openPhotos(settings: StorageSettings, credential: TokenCredential): Photos {
  const service = new BlobServiceClient(settings.endpoint, credential, {
    retryOptions: { maxTries: 3, tryTimeoutInMs: 20_000, maxRetryDelayInMs: 2000 },
  });
  const container = service.getContainerClient(CONTAINER);

  async function orExplain<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw storageFailure(error);
    }
  }

  return {
    origin: new URL(settings.endpoint).origin,
    url: (name) => `${settings.endpoint}/${CONTAINER}/${encodeURIComponent(name)}`,
    add: (bytes, type) =>
      orExplain(async () => {
        const name = `${randomUUID()}.${type.extension}`;
        await container.getBlockBlobClient(name).uploadData(bytes, {
          blobHTTPHeaders: {
            blobContentType: type.contentType,
            // A photo never changes: its name is new for every upload.
            blobCacheControl: "public, max-age=31536000, immutable",
          },
        });
        return name;
      }),
    remove: (name) => orExplain(async () => void (await container.getBlockBlobClient(name).deleteIfExists())),
    latest: () =>
      orExplain(async () => {
        const page = await container.listBlobsFlat().byPage({ maxPageSize: 5000 }).next();
        if (page.done) return [];
        const items = page.value.segment.blobItems.filter((item) =>
          /^[0-9a-f-]{36}\.(png|jpg|gif|webp)$/.test(item.name),
        );
        items.sort((a, b) => b.properties.lastModified.getTime() - a.properties.lastModified.getTime());
        return items.slice(0, WALL_SIZE).map((item) => item.name);
      }),
  };
}
