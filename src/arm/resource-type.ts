import type { ServicePrincipal } from "../identity/principals.ts";
import type { Call } from "../kernel/call.ts";
import type { Reply } from "../kernel/message.ts";
import type { ArmPath } from "./resource-id.ts";
import type { JsonObject, ResourceRecord } from "./record.ts";

/** What a management request is about. */
export interface ArmTarget {
  readonly path: ArmPath | undefined;
  /** The addressed id as written; for a list its scope; "/" for the tenant. */
  readonly id: string;
  readonly subscriptionId: string | undefined;
}

export type ArmCall = Call<ArmTarget, Readonly<Record<string, string>>>;

/** A PUT or PATCH on its way. */
export interface Change {
  readonly call: ArmCall;
  /** Canonical id. */
  readonly id: string;
  readonly name: string;
  readonly verb: "PUT" | "PATCH";
  readonly body: JsonObject;
  readonly existing: ResourceRecord | undefined;
  /** Etag of `existing`. */
  readonly etag: string | undefined;
}

/** What a type decides to keep of a change. Location, tags and identity are kept by ARM itself. */
export interface Draft {
  readonly properties: JsonObject;
  readonly secrets?: JsonObject;
  readonly kind?: string;
  readonly sku?: JsonObject;
  /** Principals that begin with the resource (a user-assigned identity is one); written together with its record. */
  readonly principals?: readonly ServicePrincipal[];
}

export interface ResourceAction {
  /** POST verb, e.g. `listKeys`, in Azure's letter case. */
  readonly name: string;
  /** Default 64 KiB. */
  readonly bodyLimit?: number;
  handle(call: ArmCall, record: ResourceRecord): Promise<Reply> | Reply;
}

/**
 * A resource type, declared. From it come its routes, permissions, provider manifest entry, lists, tags, identity
 * handling and deletion with the group. Source for `codes`: management-sdks.md 4, az-cli.md 3.1.
 */
export interface ResourceType {
  /** Full type in Azure's letter case: `Microsoft.Web/sites`, `Microsoft.Web/sites/config`. */
  readonly type: string;
  /** Newest first; for the provider manifest. */
  readonly apiVersions: readonly string[];
  /** Where a top-level resource of the type may stand. `extension`: on any scope. */
  readonly at: "group" | "subscription" | "tenant" | "extension";
  /** Tracked resources have a location and tags. */
  readonly tracked: boolean;
  /** `shown`: without one, too, as `{type: "None"}` (`az containerapp identity` reads the member). */
  readonly identity?: boolean | "shown";
  readonly nameRule?: { readonly pattern: RegExp; readonly text: string };
  /** The name must be unique in the whole tenant (it becomes a host name). How the 409 is worded. */
  readonly globalName?: { readonly code: string; message(name: string): string };
  readonly codes?: {
    /** 202: answered with an operation to poll. */
    readonly created?: 200 | 201 | 202;
    readonly updated?: 200 | 201 | 202;
    readonly deleted?: 200 | 202 | 204;
  };
  /**
   * Validates and completes. May demand linked rights through `call.require`. Without effects of its own: it runs again
   * when somebody else changed the resource meanwhile. @throws Fault
   */
  write?(change: Change): Promise<Draft> | Draft;
  /** Effects after the record is durable. When it throws, the resource shows `Failed` and the client the fault. */
  written?(record: ResourceRecord, change: Change): Promise<void>;
  /** Runs before the record goes; children have gone already. */
  deleting?(record: ResourceRecord, call: ArmCall): Promise<void>;
  /** Runs after the record is gone. */
  deleted?(record: ResourceRecord, call: ArmCall): Promise<void>;
  /** `properties` as GET shows them. Default: as kept. */
  present?(record: ResourceRecord, call: ArmCall): Promise<JsonObject> | JsonObject;
  /** What conditions of role assignments may ask about a PUT, PATCH or DELETE, by `Source[type:name]`. */
  attributes?(call: ArmCall): Promise<Readonly<Record<string, string>>> | Readonly<Record<string, string>>;
  readonly actions?: readonly ResourceAction[];
  /** Types whose instances are not kept as records (role assignments, databases inside a server, settings). */
  readonly source?: ResourceSource;
}

/** Handlers of a type that keeps its own state. Each has passed authorization for its derived permission. */
export interface ResourceSource {
  get?(call: ArmCall, id: string, name: string): Promise<Reply> | Reply;
  list?(call: ArmCall, parentId: string): Promise<Reply> | Reply;
  put?(call: ArmCall, id: string, name: string): Promise<Reply> | Reply;
  patch?(call: ArmCall, id: string, name: string): Promise<Reply> | Reply;
  delete?(call: ArmCall, id: string, name: string): Promise<Reply> | Reply;
}
