import type { Directory } from "../../identity/directory.ts";
import type { TenantInfo } from "../../identity/tenant.ts";

/** What a Graph request is about: only the API's version differs. */
export interface GraphTarget {
  readonly version: string;
}

export interface GraphContext {
  readonly directory: Directory;
  readonly tenant: TenantInfo;
}
