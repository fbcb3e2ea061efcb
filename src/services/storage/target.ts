import type { Call } from "../../kernel/call.ts";
import type { Method, Request } from "../../kernel/message.ts";
import type { AnyOperation, Operation, Requirement } from "../../kernel/operation.ts";
import { type BlobAction, type BlobDataAction, dataActions } from "./actions.ts";
import type { BlobPlace, ContainerPlace } from "./engine/engine.ts";
import type { CorsRule } from "./service-properties.ts";

/** What the data plane knows of a storage account. */
export interface Account {
  readonly name: string;
  /** Canonical resource id. */
  readonly id: string;
  /** Opaque id of its data: an account that is deleted and made again is empty. */
  readonly uid: string;
  readonly key1: Buffer;
  readonly key2: Buffer;
  /** What user delegation keys are derived from. */
  readonly delegationSecret: Buffer;
  readonly publicAccess: boolean;
  readonly sharedKey: boolean;
  readonly httpsOnly: boolean;
  /** Does the account's firewall let this client address in? */
  readonly admits: (address: string) => boolean;
  readonly sku: string;
  readonly kind: string;
  readonly hierarchical: boolean;
}

/** How an operation is granted by a SAS (storage.md 3, 4.3). */
export interface SasRule {
  /** Letter of `srt`; `any`: whichever the SAS has. */
  readonly resource: "s" | "c" | "o" | "any";
  /** Whether a service or user delegation SAS can grant it at all. */
  readonly service: boolean;
  /** Letters of `sp` of which one is needed, by the right that is asked for; `*` for every other right. */
  readonly letters: Readonly<Partial<Record<BlobAction | BlobDataAction | "*", string>>>;
}

/** What a blob operation declares beyond the kernel's own. */
export interface BlobExtras {
  /** Undefined: no SAS ever grants it. */
  readonly sas: SasRule | undefined;
  /** Readable by anybody when account and container allow public access: containers set to `blob`, or only `container`. */
  readonly anonymous?: "blob" | "container";
}

export interface BlobOperation extends AnyOperation<BlobTarget>, BlobExtras {}

/** What a request is about. */
export interface BlobTarget {
  readonly account: Account;
  readonly operation: BlobOperation;
  readonly secondary: boolean;
  /** Protocol version, `YYYY-MM-DD`; undefined when the client named none. */
  readonly version: string | undefined;
  readonly container: string | undefined;
  readonly blob: string | undefined;
  readonly snapshot: string | undefined;
  /** Rules for the `Origin` that the request carries. */
  readonly cors: readonly CorsRule[];
  /** Set by authorization: the caller may create a blob but not overwrite one; the commit checks it. */
  createOnly: boolean;
}

export type BlobCall = Call<BlobTarget>;
export type BlobRequirement = Requirement<BlobAction, BlobDataAction, BlobCall>;

/** Types a blob operation: actions and path parameters that do not exist do not compile. */
export const blobOperation = <const Path extends string>(
  operation: Operation<BlobTarget, BlobAction, BlobDataAction, Path> & BlobExtras,
): BlobOperation =>
  operation.path.includes("**") && !("open" in operation.needs)
    ? { ...operation, needs: { depends: (call) => withTagCondition(operation.needs, call), says: operation.needs } }
    : operation;

/** A condition on tags tells about them, so it needs the right to read them (storage.md 5.2). */
const withTagCondition = <Subject extends BlobCall>(
  needs: Requirement<BlobAction, BlobDataAction, Subject>,
  call: Subject,
): Requirement<BlobAction, BlobDataAction, Subject> =>
  call.request.header("x-ms-if-tags") === undefined ? needs : { all: [needs, { data: dataActions.tagsRead }] };

export const containerPlace = (call: Pick<BlobCall, "target">): ContainerPlace => ({
  account: call.target.account.uid,
  container: call.target.container ?? "",
});

export const blobPlace = (call: Pick<BlobCall, "target">): BlobPlace => ({
  account: call.target.account.uid,
  container: call.target.container ?? "",
  blob: call.target.blob ?? "",
});

/** Resource id that a right on a container's content is checked at; blobs have no scope of their own. */
export const containerScope = (account: Pick<Account, "id">, container: string): string =>
  `${account.id}/blobServices/default/containers/${container}`;

export const scopeOf = (target: Pick<BlobTarget, "account" | "container">): string =>
  target.container === undefined ? target.account.id : containerScope(target.account, target.container);

/** Attributes that role assignment conditions can ask for (access.md 1.6). */
export const attributesOf = (call: Pick<BlobCall, "target" | "request">): Record<string, string | boolean> => {
  const { account, container, blob, snapshot } = call.target;
  const attributes: Record<string, string | boolean> = {
    "Resource[Microsoft.Storage/storageAccounts:name]": account.name,
    "Resource[Microsoft.Storage/storageAccounts:isHnsEnabled]": account.hierarchical,
  };
  if (container !== undefined)
    attributes["Resource[Microsoft.Storage/storageAccounts/blobServices/containers:name]"] = container;
  if (blob !== undefined) attributes[`Resource[${blobType}:path]`] = blob;
  if (snapshot !== undefined) attributes[`Request[${blobType}:snapshot]`] = snapshot;
  if (call.request.query.has("prefix"))
    attributes[`Request[${blobType}:prefix]`] = call.request.query.get("prefix") ?? "";
  return attributes;
};

const blobType = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs";

export const isRead = (method: Method): boolean => method === "GET" || method === "HEAD" || method === "OPTIONS";

/** The protocol version: header, else `api-version`, else the SAS's own (storage.md 4.4). */
export const versionOf = (request: Request): string | undefined =>
  request.header("x-ms-version") ?? request.query.get("api-version") ?? request.query.get("sv") ?? undefined;
