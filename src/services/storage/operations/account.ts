import { empty, queryValue, type Reply } from "../../../kernel/message.ts";
import type { Store } from "../../../store/store.ts";
import { actions } from "../actions.ts";
import { challenge } from "../auth/authenticate.ts";
import { delegationKeyValue } from "../auth/delegation-key.ts";
import { preflightHeaders } from "../cors.ts";
import type { Engine } from "../engine/engine.ts";
import { isLocked, leaseState } from "../engine/leases.ts";
import { type ContainerItem, listContainers } from "../engine/listing.ts";
import { storageFault } from "../faults.ts";
import { changeServiceProperties, readServiceProperties } from "../service-properties.ts";
import { readServicePropertiesXml, servicePropertiesXml } from "../service-properties-xml.ts";
import { blobOperation, type BlobCall, type BlobOperation } from "../target.ts";
import { childText, document, element, escapeXml, nameElement, parseXml } from "../xml.ts";
import { httpDate } from "./headers.ts";
import { includesOf, maxResultsOf, metadataXml, placeParameter } from "./list-blobs.ts";
import { serviceSas } from "./rules.ts";

/** What is done on the account itself (storage.md 3.1). */
export const accountOperations = (engine: Engine, store: Store, tenantId: string): readonly BlobOperation[] => [
  blobOperation({
    name: "ListContainers",
    method: "GET",
    path: "/",
    query: { comp: "list" },
    needs: { action: actions.containerRead },
    sas: serviceSas({ "*": "l" }),
    handle: (call) => containers(engine, call),
  }),
  blobOperation({
    name: "GetBlobServiceProperties",
    method: "GET",
    path: "/",
    query: { restype: "service", comp: "properties" },
    needs: { action: actions.serviceRead },
    sas: serviceSas({ "*": "r" }),
    handle: async (call) => ({
      status: 200,
      body: {
        text: servicePropertiesXml(await readServiceProperties(store, call.target.account.uid)),
        type: "application/xml",
      },
    }),
  }),
  blobOperation({
    name: "SetBlobServiceProperties",
    method: "PUT",
    path: "/",
    query: { restype: "service", comp: "properties" },
    bodyLimit: 64 * 1024,
    needs: { action: actions.serviceWrite },
    sas: serviceSas({ "*": "w" }),
    handle: async (call) => {
      await changeServiceProperties(store, call.target.account.uid, readServicePropertiesXml(await call.body.text()));
      return empty(202);
    },
  }),
  blobOperation({
    name: "GetUserDelegationKey",
    method: "POST",
    path: "/",
    query: { restype: "service", comp: "userdelegationkey" },
    bodyLimit: 16 * 1024,
    needs: { action: actions.delegationKey },
    sas: undefined,
    handle: (call) => delegationKey(call, tenantId),
  }),
  ...(["/", "/:container", "/:container/**:blob"] as const).map((path) =>
    blobOperation({
      name: "GetAccountInformation",
      method: ["GET", "HEAD"],
      path,
      query: { restype: "account", comp: "properties" },
      needs: { action: actions.accountInfo },
      sas: { resource: "any", service: true, letters: { "*": "any" } },
      handle: (call) =>
        empty(200, {
          "x-ms-sku-name": call.target.account.sku,
          "x-ms-account-kind": call.target.account.kind,
          "x-ms-is-hns-enabled": String(call.target.account.hierarchical),
        }),
    }),
  ),
];

const containers = async (engine: Engine, call: BlobCall): Promise<Reply> => {
  const include = includesOf(call);
  const prefix = placeParameter(call, "prefix");
  const marker = queryValue(call.request, "marker");
  const limit = maxResultsOf(call);
  const page = await listContainers(engine, call.target.account.uid, { prefix: prefix ?? "", marker, limit });
  const now = call.clock.now();
  const text = document(
    `<EnumerationResults ServiceEndpoint="https://${escapeXml(call.request.host)}/">` +
      element("Prefix", prefix) +
      element("Marker", marker) +
      (call.request.query.has("maxresults") ? element("MaxResults", limit) : "") +
      `<Containers>${page.items.map((item) => containerXml(item, include.has("metadata"), now)).join("")}</Containers>` +
      `${page.next === undefined ? "<NextMarker />" : element("NextMarker", page.next)}</EnumerationResults>`,
  );
  return { status: 200, body: { text, type: "application/xml" } };
};

const containerXml = ({ name, record }: ContainerItem, metadata: boolean, now: number): string => {
  const state = leaseState(record.lease, now);
  return (
    `<Container>${nameElement(name)}<Properties>${element("Last-Modified", httpDate(record.modified))}` +
    `<Etag>"${record.etag}"</Etag><LeaseStatus>${isLocked(record.lease, now) ? "locked" : "unlocked"}</LeaseStatus>` +
    `<LeaseState>${state}</LeaseState>` +
    (state === "leased" ? element("LeaseDuration", record.lease?.duration === -1 ? "infinite" : "fixed") : "") +
    element("PublicAccess", record.access) +
    "<DefaultEncryptionScope>$account-encryption-key</DefaultEncryptionScope><DenyEncryptionScopeOverride>false</DenyEncryptionScopeOverride>" +
    "<HasImmutabilityPolicy>false</HasImmutabilityPolicy><HasLegalHold>false</HasLegalHold></Properties>" +
    `${metadata ? metadataXml(record.metadata) : ""}</Container>`
  );
};

const week = 7 * 24 * 3600 * 1000;

/** Only who signed in with a token can have one (storage.md 4.2, 4.5). */
const delegationKey = async (call: BlobCall, tenantId: string): Promise<Reply> => {
  const { caller } = call;
  if (caller.kind !== "principal")
    throw storageFault(
      "authenticationFailed",
      {},
      {
        detail: { AuthenticationErrorDetail: "Only authentication scheme Bearer is supported" },
        headers: challenge(tenantId),
      },
    );
  const info = parseXml(await call.body.text(), "KeyInfo");
  const expiry = childText(info, "Expiry") ?? "";
  const now = call.clock.now();
  const start = childText(info, "Start") || new Date(now).toISOString().replace(/\.\d+Z$/, "Z");
  const [from, to] = [Date.parse(start), Date.parse(expiry)];
  // NaN fails every comparison.
  if (!(from < to && to > now && to - now <= week && from - now <= week))
    throw storageFault(
      "invalidXmlValue",
      {},
      { detail: { XmlNodeName: "Expiry", XmlNodeValue: expiry.slice(0, 100) } },
    );
  if (childText(info, "DelegatedUserTid") !== undefined)
    throw storageFault(
      "invalidXmlValue",
      {},
      {
        detail: { XmlNodeName: "DelegatedUserTid" },
        hint: "Keys for one delegated user are not built; see the storage service's README.",
      },
    );
  const key = {
    oid: caller.objectId,
    tid: caller.tenantId,
    start: new Date(from).toISOString().replace(/\.\d+Z$/, "Z"),
    expiry: new Date(to).toISOString().replace(/\.\d+Z$/, "Z"),
    service: "b",
    version: /^\d{4}-\d{2}-\d{2}$/.test(call.target.version ?? "") ? (call.target.version ?? "") : "2020-12-06",
  };
  const text = document(
    "<UserDelegationKey>" +
      element("SignedOid", key.oid) +
      element("SignedTid", key.tid) +
      element("SignedStart", key.start) +
      element("SignedExpiry", key.expiry) +
      element("SignedService", key.service) +
      element("SignedVersion", key.version) +
      element("Value", delegationKeyValue(call.target.account, key)) +
      "</UserDelegationKey>",
  );
  return { status: 200, body: { text, type: "application/xml" } };
};

/** A browser's preflight, about anything; nobody signs in for it. */
export const preflightOperations: readonly BlobOperation[] = (["/", "/:container", "/:container/**:blob"] as const).map(
  (path) =>
    blobOperation({
      name: "PreflightBlobRequest",
      method: "OPTIONS",
      path,
      needs: { open: "CORS preflight: browsers send it without credentials, and it only tells the account's rules" },
      sas: undefined,
      handle: (call) => {
        const origin = call.request.header("origin");
        const method = call.request.header("access-control-request-method");
        if (origin === undefined || method === undefined) throw storageFault("invalidHeader");
        const headers = (call.request.header("access-control-request-headers") ?? "")
          .split(",")
          .map((name) => name.trim())
          .filter((name) => name !== "");
        const answer = preflightHeaders(call.target.cors, { origin, method, headers });
        if (answer === undefined) throw storageFault("corsFailure");
        return empty(200, answer);
      },
    }),
);
