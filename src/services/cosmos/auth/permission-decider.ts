import type { SecretCaller } from "../../../kernel/caller.ts";
import type { Verdict } from "../../../kernel/decision.ts";
import type { Request } from "../../../kernel/message.ts";
import type { Decider } from "../../../kernel/service.ts";
import { dataActions } from "../actions.ts";
import { parseKey } from "../engine/partition-key.ts";
import type { PartitionKeyDefinition } from "../engine/records.ts";
import type { PermissionRecord } from "../engine/users.ts";
import { segmentsOf } from "../match.ts";
import { type CosmosTarget, flag } from "../target.ts";
import { scheme } from "./resource-tokens.ts";

const reads: readonly string[] = [dataActions.readItem, dataActions.executeQuery, dataActions.readChangeFeed];
const writes: readonly string[] = [
  dataActions.createItem,
  dataActions.upsertItem,
  dataActions.replaceItem,
  dataActions.deleteItem,
  dataActions.executeStoredProcedure,
];

const triggerHeaders = ["x-ms-documentdb-pre-trigger-include", "x-ms-documentdb-post-trigger-include"];

/** Whether a request keeps to a partition key, or to what lies below the beginning of a hierarchical one. */
const keepsTo = (request: Request, wanted: string, definition: PartitionKeyDefinition): boolean => {
  // Operations of a bulk request name keys of their own.
  if (flag(request, "x-ms-cosmos-is-batch-request") && !flag(request, "x-ms-cosmos-batch-atomic")) return false;
  const header = request.header("x-ms-documentdb-partitionkey") ?? "";
  if (header === "") return false;
  const given = parseKey(header, definition);
  return parseKey(wanted, definition).every((value, level) => level < given.length && given[level] === value);
};

/** Why a permission does not allow a need; undefined: it does. */
const objection = (
  permission: PermissionRecord,
  action: string,
  target: CosmosTarget,
  request: Request,
): string | undefined => {
  const segments = segmentsOf(request.rawPath);
  // What every client reads first.
  if (segments.length === 0 && action === dataActions.readMetadata) return undefined;
  const { container, mode, part, partitionKey } = permission;
  if (target.container === undefined || target.container.rid !== container)
    return `It is about ${permission.resource} alone.`;
  // Clients ask how a container is partitioned before they ask for an item of it.
  if (action === dataActions.readMetadata) return undefined;
  if (!reads.includes(action) && !writes.includes(action)) return "Resource tokens are for data alone.";
  if (mode === "Read" && !reads.includes(action)) return "It is for reading alone.";
  if (part !== undefined && (segments[4]?.toLowerCase() !== part.kind || segments[5] !== part.id))
    return `It is about ${permission.resource} alone.`;
  // A trigger reaches the whole logical partition, and it is for the caller to say which ones run.
  if (part !== undefined && triggerHeaders.some((name) => (request.header(name) ?? "") !== ""))
    return `It is about ${permission.resource} alone, and triggers reach further.`;
  if (partitionKey !== undefined && !keepsTo(request, partitionKey, target.container.partitionKey))
    return `It is about the partition key ${partitionKey} alone, and the request must name it.`;
  return undefined;
};

/** Decides by the permission that a resource token was made from. */
export const permissionDecider: Decider<CosmosTarget> = {
  name: "Resource tokens",
  applies: (caller) => caller.kind === "secret" && caller.scheme === scheme,
  decide: ({ caller, need, target, request }): Verdict => {
    const permission = (caller as SecretCaller).grant["permission"] as PermissionRecord;
    const reason = objection(permission, need.name, target, request);
    if (reason === undefined) return { allowed: true, via: `permission ${permission.id}` };
    return {
      allowed: false,
      cause: "resource-token",
      reason: `The permission ${permission.id} (${permission.mode}) does not allow ${need.name} here. ${reason}`,
    };
  },
};
