import { empty, type Reply } from "../../../kernel/message.ts";
import { actions } from "../actions.ts";
import { conditionsOf } from "../engine/conditions.ts";
import {
  type ContainerGuards,
  createContainer,
  deleteContainer,
  setContainerAcl,
  setContainerMetadata,
} from "../engine/containers.ts";
import { containerOf, type Engine } from "../engine/engine.ts";
import { checkGiven, leaseHeaders } from "../engine/leases.ts";
import type { ContainerRecord, PublicAccess } from "../engine/records.ts";
import { storageFault } from "../faults.ts";
import { policiesXml, readPolicies } from "../policies.ts";
import { blobOperation, type BlobCall, type BlobOperation, containerPlace } from "../target.ts";
import { badHeader, header, leaseIdOf, metadataHeaders, metadataOf, written } from "./headers.ts";
import { containerRead, containerSas, containerWrite } from "./rules.ts";

const path = "/:container";
const restype = "container";

/** Create, read, describe and delete containers (storage.md 3.2). */
export const containerOperations = (engine: Engine): readonly BlobOperation[] => [
  blobOperation({
    name: "CreateContainer",
    method: "PUT",
    path,
    query: { restype },
    needs: containerWrite,
    sas: containerSas({ "*": "cw" }),
    handle: async (call) => {
      const access = accessOf(call);
      const record = await createContainer(engine, containerPlace(call), {
        metadata: metadataOf(call.request),
        access,
      });
      return empty(201, written(record));
    },
  }),
  blobOperation({
    name: "GetContainerProperties",
    method: ["GET", "HEAD"],
    path,
    query: { restype },
    needs: containerRead,
    sas: containerSas({ "*": "r" }),
    anonymous: "container",
    handle: (call) => describe(engine, call, true),
  }),
  blobOperation({
    name: "GetContainerMetadata",
    method: ["GET", "HEAD"],
    path,
    query: { restype, comp: "metadata" },
    needs: containerRead,
    sas: containerSas({ "*": "r" }),
    anonymous: "container",
    handle: (call) => describe(engine, call, false),
  }),
  blobOperation({
    name: "SetContainerMetadata",
    method: "PUT",
    path,
    query: { restype, comp: "metadata" },
    needs: containerWrite,
    sas: containerSas({ "*": "w" }),
    handle: async (call) => {
      const metadata = metadataOf(call.request);
      return empty(200, written(await setContainerMetadata(engine, containerPlace(call), metadata, guards(call))));
    },
  }),
  blobOperation({
    name: "GetContainerAcl",
    method: ["GET", "HEAD"],
    path,
    query: { restype, comp: "acl" },
    needs: { action: actions.getAcl },
    sas: undefined,
    anonymous: "container",
    handle: async (call) => {
      const record = await containerOf(engine, containerPlace(call));
      checkGiven(record.lease, leaseIdOf(call.request), call.clock.now(), "container");
      return {
        status: 200,
        headers: { ...written(record), ...accessHeader(record) },
        body: { text: policiesXml(record.policies ?? []), type: "application/xml" },
      };
    },
  }),
  blobOperation({
    name: "SetContainerAcl",
    method: "PUT",
    path,
    query: { restype, comp: "acl" },
    bodyLimit: 64 * 1024,
    needs: { action: actions.setAcl },
    sas: undefined,
    handle: async (call) => {
      const access = accessOf(call);
      const policies = readPolicies(await call.body.text());
      return empty(
        200,
        written(await setContainerAcl(engine, containerPlace(call), { access, policies }, guards(call))),
      );
    },
  }),
  blobOperation({
    name: "DeleteContainer",
    method: "DELETE",
    path,
    query: { restype },
    needs: { action: actions.containerDelete },
    sas: containerSas({ "*": "d" }),
    handle: async (call) => {
      await deleteContainer(engine, containerPlace(call), guards(call));
      return empty(202);
    },
  }),
];

const guards = (call: BlobCall): ContainerGuards => ({
  conditions: conditionsOf(call.request),
  leaseId: leaseIdOf(call.request),
});

/** `x-ms-blob-public-access`; the account has the last word (storage.md 4.6). */
const accessOf = (call: BlobCall): PublicAccess | undefined => {
  const text = header(call.request, "x-ms-blob-public-access");
  if (text === undefined) return undefined;
  const access = text.toLowerCase();
  if (access !== "blob" && access !== "container") throw badHeader("x-ms-blob-public-access", text);
  if (!call.target.account.publicAccess) throw storageFault("publicAccessNotPermitted");
  return access;
};

const accessHeader = (record: ContainerRecord): Record<string, string> =>
  record.access === undefined ? {} : { "x-ms-blob-public-access": record.access };

const describe = async (engine: Engine, call: BlobCall, all: boolean): Promise<Reply> => {
  const record = await containerOf(engine, containerPlace(call));
  checkGiven(record.lease, leaseIdOf(call.request), call.clock.now(), "container");
  const properties = {
    ...leaseHeaders(record.lease, call.clock.now()),
    ...accessHeader(record),
    "x-ms-has-immutability-policy": "false",
    "x-ms-has-legal-hold": "false",
    "x-ms-immutable-storage-with-versioning-enabled": "false",
    "x-ms-default-encryption-scope": "$account-encryption-key",
    "x-ms-deny-encryption-scope-override": "false",
  };
  return empty(200, { ...written(record), ...metadataHeaders(record.metadata), ...(all ? properties : {}) });
};
