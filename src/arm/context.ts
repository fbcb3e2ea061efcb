import type { Clock } from "../kernel/clock.ts";
import type { Ids } from "../kernel/ids.ts";
import type { Directory } from "../identity/directory.ts";
import type { TenantInfo } from "../identity/tenant.ts";
import type { LongRunning } from "./long-running.ts";
import type { ArmCall } from "./resource-type.ts";
import type { Resources } from "./resources.ts";

/** What ARM's generated operations work with. */
export interface ArmContext {
  readonly resources: Resources;
  readonly directory: Directory;
  readonly tenant: TenantInfo;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly longRunning: LongRunning;
  /** Ids of extension resources kept elsewhere (role assignments) at or below an id; they go with it. */
  readonly extensionsBelow: (id: string) => Promise<readonly string[]>;
  /** Forgets the secrets that stand for a resource (its identity header); it is about to be deleted, or has been. */
  readonly forgetSecrets?: (id: string) => Promise<void>;
  /** @throws 409 ScopeLocked when a lock forbids what the call's method does to its target. */
  readonly requireUnlocked?: (call: Pick<ArmCall, "request" | "target" | "caller">) => void;
}

export const managementHost = "management.azure.com";
