import type { CollectionSpec } from "../../../store/store.ts";
import type { JsonObject } from "../engine/records.ts";

/** As addresses name them. */
export type ScriptSegment = "sprocs" | "triggers" | "udfs";

/** A stored procedure, trigger or user-defined function. */
export interface ScriptRecord {
  readonly id: string;
  /** 16 bytes, base64. */
  readonly rid: string;
  readonly etag: string;
  /** Seconds, tenant clock. */
  readonly ts: number;
  /** JavaScript: a function. */
  readonly body: string;
  /** What else the client gave: `triggerType`, `triggerOperation`. */
  readonly more: JsonObject;
}

/** In the container's partition, by segment and id. */
export const scriptSpec: CollectionSpec<ScriptRecord> = { name: "cosmosScripts" };

/** Ids hold no slash. */
export const scriptKey = (segment: ScriptSegment, id: string): string => `${segment}/${id}`;
