import { empty, type Reply } from "../../../kernel/message.ts";
import { dataActions } from "../actions.ts";
import { conditionsOf } from "../engine/conditions.ts";
import { leaseContainer } from "../engine/containers.ts";
import { leaseBlob, snapshotBlob } from "../engine/copies.ts";
import type { Engine } from "../engine/engine.ts";
import type { LeaseOutcome, LeaseRequest } from "../engine/leases.ts";
import { storageFault } from "../faults.ts";
import {
  blobOperation,
  type BlobCall,
  type BlobOperation,
  blobPlace,
  type BlobRequirement,
  containerPlace,
  type SasRule,
} from "../target.ts";
import { badHeader, encrypted, guardsOf, header, leaseIdOf, metadataOf, written } from "./headers.ts";
import { blobSas, containerSas, containerWrite, data, writeOrAddAlways } from "./rules.ts";

/** Lease Container, Lease Blob and Snapshot Blob (storage.md 3.2, 3.3, 6.2). Breaking needs less of a SAS than the rest. */
export const leaseOperations = (engine: Engine): readonly BlobOperation[] => [
  ...leases("LeaseContainer", "/:container", "container", containerWrite, containerSas, async (call, request) =>
    leaseContainer(engine, containerPlace(call), request, conditionsOf(call.request)),
  ),
  ...leases("LeaseBlob", "/:container/**:blob", undefined, data(dataActions.write), blobSas, async (call, request) =>
    leaseBlob(engine, blobPlace(call), request, conditionsOf(call.request)),
  ),
  blobOperation({
    name: "SnapshotBlob",
    method: "PUT",
    path: "/:container/**:blob",
    query: { comp: "snapshot" },
    needs: writeOrAddAlways,
    sas: blobSas({ "*": "w", [dataActions.add]: "c" }),
    handle: async (call) => {
      const metadata = metadataOf(call.request);
      const { id, record } = await snapshotBlob(engine, blobPlace(call), metadata, guardsOf(call));
      return empty(201, { ...written(record), ...encrypted, "x-ms-snapshot": id });
    },
  }),
];

type Leased = { readonly record: { readonly etag: string; readonly modified: number }; readonly outcome: LeaseOutcome };

const leases = (
  name: string,
  path: "/:container" | "/:container/**:blob",
  restype: "container" | undefined,
  needs: BlobRequirement,
  sas: (letters: SasRule["letters"]) => SasRule,
  lease: (call: BlobCall, request: LeaseRequest) => Promise<Leased>,
): readonly BlobOperation[] =>
  [undefined, "break"].map((action) =>
    blobOperation({
      name,
      method: "PUT",
      path,
      query: { comp: "lease", ...(restype === undefined ? {} : { restype }) },
      ...(action === undefined ? {} : { headers: { "x-ms-lease-action": action } }),
      needs,
      sas: sas({ "*": action === undefined ? "w" : "wd" }),
      handle: async (call) => {
        const request = leaseRequest(call);
        const { record, outcome } = await lease(call, request);
        return answer(request, record, outcome);
      },
    }),
  );

const answer = (
  { action }: LeaseRequest,
  record: { readonly etag: string; readonly modified: number },
  { lease, remaining }: LeaseOutcome,
): Reply => {
  const headers = written(record);
  if (action === "break") return empty(202, { ...headers, "x-ms-lease-time": String(remaining ?? 0) });
  if (action === "release" || lease === undefined) return empty(200, headers);
  return empty(action === "acquire" ? 201 : 200, { ...headers, "x-ms-lease-id": lease.id });
};

const seconds = (call: BlobCall, name: string): number | undefined => {
  const text = header(call.request, name);
  if (text === undefined) return undefined;
  if (!/^(-1|\d{1,4})$/.test(text)) throw badHeader(name, text);
  return Number(text);
};

/** @throws Fault 400 for what is missing or out of range */
const leaseRequest = (call: BlobCall): LeaseRequest => {
  const { request } = call;
  const missing = (name: string): Error => storageFault("missingHeader", {}, { detail: { HeaderName: name } });
  const action = header(request, "x-ms-lease-action")?.toLowerCase();
  const id = leaseIdOf(request);
  const proposed = leaseIdOf(request, "x-ms-proposed-lease-id");
  switch (action) {
    case "acquire": {
      const duration = seconds(call, "x-ms-lease-duration");
      if (duration === undefined) throw missing("x-ms-lease-duration");
      if (duration !== -1 && (duration < 15 || duration > 60)) throw badHeader("x-ms-lease-duration", String(duration));
      return { action, duration, id: proposed ?? call.ids.guid() };
    }
    case "renew":
    case "release":
      if (id === undefined) throw missing("x-ms-lease-id");
      return { action, id };
    case "change":
      if (id === undefined) throw missing("x-ms-lease-id");
      if (proposed === undefined) throw missing("x-ms-proposed-lease-id");
      return { action, id, proposed };
    case "break": {
      const period = seconds(call, "x-ms-lease-break-period");
      if (period !== undefined && (period < 0 || period > 60))
        throw badHeader("x-ms-lease-break-period", String(period));
      return { action, period };
    }
    case undefined:
      throw missing("x-ms-lease-action");
    default:
      throw badHeader("x-ms-lease-action", action);
  }
};
