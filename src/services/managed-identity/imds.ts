import { objectOf, type ResourceRecord } from "../../arm/record.ts";
import type { Caller } from "../../kernel/caller.ts";
import { epochSeconds } from "../../kernel/clock.ts";
import { json, queryValue, type Reply, type Request } from "../../kernel/message.ts";
import { operationsOf } from "../../kernel/operation.ts";
import type { Service } from "../../kernel/service.ts";
import { forwarded, identityFault, imdsDialect, noIdentity } from "./faults.ts";
import { appOf, grant, type IdentityContext, imdsBody, readQuestion } from "./identities.ts";

const operation = operationsOf<string, never, never>();
const proof = {
  open: "the connection's own proxy credential is the right: it opens one app's identities and no others",
};
const selectors = {
  client_id: "appId",
  object_id: "objectId",
  msi_res_id: "resourceId",
  mi_res_id: "resourceId",
} as const;

/**
 * The Instance Metadata Service at its link-local address. A virtual machine's IMDS knows its caller by the machine that
 * asks; here the machine is shared, so the edge tells the app by the credential of its proxy, or by the hook's preface. A
 * connection that brought neither has no identity.
 */
export const imdsService = (context: IdentityContext): Service<string> => {
  const operations = [
    operation({
      name: "GetImdsToken",
      method: "GET",
      path: "/metadata/identity/oauth2/token",
      needs: proof,
      handle: async (call) => {
        const question = readQuestion(call.request.query, selectors);
        const granted = await grant(await appOf(call.caller, context), question, context, true);
        return json(imdsBody(granted, epochSeconds(call.clock)));
      },
    }),
    operation({
      name: "GetInstanceMetadata",
      method: "GET",
      path: "/metadata/instance/**:part",
      needs: proof,
      handle: async (call) =>
        instanceMetadata(await appOf(call.caller, context), call.parameters.part, queryValue(call.request, "format")),
    }),
  ] as const;
  const [token, instance] = operations;
  return {
    name: "imds",
    title: "Instance Metadata Service",
    hosts: [{ exact: "169.254.169.254" }],
    dialect: imdsDialect,
    operations,
    // IMDS v2 (`getplatformmetadata`, `issuecredential`) is not there: on 404 MSAL goes on with this one.
    match: (request) => {
      const path = request.rawPath
        .toLowerCase()
        .replaceAll(/\/{2,}/g, "/")
        .replace(/(.)\/$/, "$1");
      if (request.method !== "GET") return undefined;
      if (path === "/metadata/identity/oauth2/token") return { operation: token, parameters: {} };
      const part = /^\/metadata\/instance(?:\/(.*))?$/.exec(path);
      return part === null ? undefined : { operation: instance, parameters: { part: part[1] ?? "" } };
    },
    resolve: versionOf,
    scope: () => "/",
    authenticators: [
      ({ request }): Caller => {
        const resourceId = request.connectionApp;
        if (resourceId === undefined)
          throw noIdentity(
            false,
            "The connection does not say which app is asking. Run it with `lanyard run --as NAME --identity imds`.",
          );
        return { kind: "secret", scheme: "ConnectionCredential", name: resourceId, grant: { resourceId } };
      },
    ],
    deciders: [],
    refuse: () => noIdentity(false, "IMDS decides by connection."),
    unmatched: () => identityFault(404, "not_found", "Not found"),
  };
};

/** The checks that stand before any identity: SDKs probe without the header and want the 400 at once. */
const versionOf = (request: Request): string => {
  if (request.header("metadata")?.toLowerCase() !== "true")
    throw identityFault(400, "invalid_request", "Required metadata header not specified");
  if (request.header("x-forwarded-for") !== undefined) throw forwarded();
  const version = queryValue(request, "api-version") ?? "";
  if (!/^20\d\d-\d\d-\d\d$/.test(version) || version < "2017-04-02")
    throw identityFault(
      400,
      "invalid_request",
      "Bad request. api-version is invalid or was not specified in the request.",
    );
  return version;
};

/** What is true of the app, under the names of a virtual machine; nothing is made up. */
const instanceMetadata = (record: ResourceRecord, part: string, format: string | undefined): Reply => {
  const [, , subscriptionId = "", , resourceGroupName = ""] = record.id.split("/");
  const document = {
    compute: {
      azEnvironment: "AzurePublicCloud",
      location: record.location ?? "",
      name: record.name,
      osType: "Linux",
      resourceGroupName,
      resourceId: record.id,
      subscriptionId,
      tagsList: Object.entries(record.tags ?? {}).map(([name, value]) => ({ name, value })),
    },
    network: { interface: [] },
  };
  let value: unknown = document;
  for (const step of part.split("/").filter((each) => each !== "")) {
    const name = Object.keys(objectOf(value)).find((each) => each.toLowerCase() === step);
    if (name === undefined) throw identityFault(404, "not_found", "Not found");
    value = objectOf(value)[name];
  }
  if (format?.toLowerCase() !== "text") return json(value);
  if (typeof value !== "string")
    throw identityFault(400, "invalid_request", "Bad request. Only a single value can be had as text.");
  return { status: 200, body: { text: value, type: "text/plain; charset=utf-8" } };
};
