import type { AppSecrets } from "../../identity/app-secrets.ts";
import type { IssuedToken } from "../../identity/tokens.ts";
import type { Call } from "../../kernel/call.ts";
import type { Caller } from "../../kernel/caller.ts";
import { epochSeconds } from "../../kernel/clock.ts";
import { json, queryValue, type Reply, type ReplyBody, type Request } from "../../kernel/message.ts";
import { operationsOf } from "../../kernel/operation.ts";
import type { Authenticator, Service } from "../../kernel/service.ts";
import { type ArcKeys, answerArcChallenge } from "./arc.ts";
import { forwarded, identityFault, loopbackDialect } from "./faults.ts";
import { appOf, grant, type IdentityContext, imdsBody, readQuestion, type Selectors, tokenBody } from "./identities.ts";

export interface IdentityEndpointContext extends IdentityContext {
  readonly secrets: AppSecrets;
  /** Arc's challenge files. */
  readonly arcKeys: ArcKeys;
}

type Protocol = "2019-08-01" | "2017-09-01" | "azure-ml" | "cloud-shell" | "arc";

const appService: Selectors = {
  client_id: "appId",
  principal_id: "objectId",
  object_id: "objectId",
  mi_res_id: "resourceId",
  msi_res_id: "resourceId",
};
/**
 * 2017-09-01 documents `clientid` alone. msal-python sends the others too, for Azure ML: who names an identity gets that one
 * or none, never silently another.
 */
const legacy: Selectors = { clientid: "appId", ...appService };
const machine: Selectors = {
  client_id: "appId",
  object_id: "objectId",
  msi_res_id: "resourceId",
  mi_res_id: "resourceId",
};

const operation = operationsOf<Protocol, never, never>();
const proof = { open: "the app's own secret is the right: it opens that app's identities and no others" };
const formLimit = 16 * 1024;

/**
 * The identity endpoints on the loopback port. App Service and Container Apps: IDENTITY_ENDPOINT with X-IDENTITY-HEADER
 * (2019-08-01), and MSI_ENDPOINT with `secret` (2017-09-01; Azure ML the same with times as numbers). Cloud Shell and Arc,
 * whose protocols know no secret: the address itself is one, made for one app. Paths match in any letter case and with
 * extra slashes.
 */
export const managedIdentityService = (context: IdentityEndpointContext): Service<Protocol> => {
  // An app asks again and again: as long as the token is the same, so is the answer.
  const answers = new WeakMap<IssuedToken, ReplyBody>();
  const appServiceToken = async (call: Call<Protocol>): Promise<Reply> => {
    const record = await appOf(call.caller, context);
    const question = readQuestion(call.request.query, call.target === "2019-08-01" ? appService : legacy);
    const granted = await grant(record, question, context, false);
    const { token } = granted;
    if (call.target === "2017-09-01") return json({ ...tokenBody(granted), expires_on: linuxTime(token.expiresAt) });
    const body = answers.get(token) ?? {
      text: JSON.stringify(tokenBody(granted)),
      type: "application/json; charset=utf-8",
    };
    answers.set(token, body);
    return { status: 200, body };
  };
  const getToken = operation({
    name: "GetToken",
    method: "GET",
    path: "/msi/token",
    needs: proof,
    handle: appServiceToken,
  });
  const getAzureMlToken = operation({
    name: "GetAzureMlToken",
    method: "GET",
    path: "/ml/token",
    needs: proof,
    handle: appServiceToken,
  });
  const cloudShellToken = operation({
    name: "CloudShellToken",
    // msal4j sends GET.
    method: ["GET", "POST"],
    path: "/cloud-shell/:app/oauth2/token",
    needs: proof,
    bodyLimit: formLimit,
    handle: async (call) => {
      const record = await appOf(call.caller, context);
      const parameters = call.request.method === "POST" ? await call.body.form() : call.request.query;
      const granted = await grant(record, readQuestion(parameters, machine), context, false);
      return json(imdsBody(granted, epochSeconds(call.clock)));
    },
  });
  const getArcToken = operation({
    name: "GetArcToken",
    method: "GET",
    path: "/arc/:app/metadata/identity/oauth2/token",
    needs: proof,
    handle: async (call) => {
      const record = await appOf(call.caller, context);
      const question = readQuestion(call.request.query, machine);
      await answerArcChallenge(call.request, record.id, context.arcKeys);
      const granted = await grant(record, question, context, true);
      const { selection } = question;
      // msal-node fails unless the selector that it sent comes back.
      const echo = selection === undefined ? {} : { [selection.name]: selection.value };
      return json({ ...imdsBody(granted, epochSeconds(call.clock)), ...echo });
    },
  });
  const operations = [getToken, getAzureMlToken, cloudShellToken, getArcToken];
  return {
    name: "managed-identity",
    title: "Managed identity endpoint",
    hosts: [{ exact: "127.0.0.1" }, { exact: "localhost" }, { exact: "[::1]" }],
    dialect: loopbackDialect,
    operations,
    match: (request) => {
      const path = plainPath(request);
      for (const each of operations) {
        const found = templates.get(each.path)?.exec(path);
        if (found !== undefined && found !== null && [each.method].flat().includes(request.method))
          return { operation: each, parameters: { app: found[1] ?? "" } };
      }
      return undefined;
    },
    resolve: (request, match) => protocolOf(request, match.operation.name),
    scope: () => "/",
    authenticators: [bySecret(context.secrets)],
    deciders: [],
    refuse: () => wrongSecret(),
    unmatched: (request) =>
      identityFault(404, "not_found", `There is nothing at ${request.method} ${shownPath(request).slice(0, 200)}.`),
    shownPath,
  };
};

const templates = new Map([
  ["/msi/token", /^\/msi\/token$/],
  ["/ml/token", /^\/ml\/token$/],
  ["/cloud-shell/:app/oauth2/token", /^\/cloud-shell\/([^/]*)\/oauth2\/token$/],
  ["/arc/:app/metadata/identity/oauth2/token", /^\/arc\/([^/]*)\/metadata\/identity\/oauth2\/token$/],
]);

const plainPath = (request: Request): string =>
  request.rawPath
    .toLowerCase()
    .replaceAll(/\/{2,}/g, "/")
    .replace(/(.)\/$/, "$1");

/** A path that is a secret does not come into any log. */
const shownPath = (request: Request): string =>
  request.rawPath.replace(/^(\/+(?:cloud-shell|arc)\/+)[^/]*/i, "$1{app}");

const wrongSecret = () => identityFault(401, "unauthorized_client", "The identity header is missing or wrong.");

const protocolOf = (request: Request, operationName: string): Protocol => {
  if (request.header("x-forwarded-for") !== undefined) throw forwarded();
  const version = queryValue(request, "api-version");
  const wrongVersion = (known: string) =>
    identityFault(
      400,
      "invalid_request",
      `The api-version '${(version ?? "").slice(0, 40)}' is not supported. ${known}`,
    );
  if (operationName === "GetToken") {
    if (version === "2019-08-01" || version === "2017-09-01") return version;
    throw wrongVersion("Use 2019-08-01 or 2017-09-01.");
  }
  if (operationName === "GetAzureMlToken") {
    if (version === "2017-09-01") return "azure-ml";
    throw wrongVersion("Use 2017-09-01.");
  }
  if (request.header("metadata")?.toLowerCase() !== "true")
    throw identityFault(400, "invalid_request", "Required metadata header not specified");
  if (operationName === "CloudShellToken") return "cloud-shell";
  if (!/^20\d\d-\d\d-\d\d(-preview)?$/.test(version ?? "")) throw wrongVersion("Use 2020-06-01.");
  return "arc";
};

const bySecret =
  (secrets: AppSecrets): Authenticator<Protocol> =>
  ({ request, target, match }): Caller => {
    const scheme =
      target === "cloud-shell" || target === "arc" ? ("IdentityAddress" as const) : ("IdentityHeader" as const);
    const given =
      scheme === "IdentityAddress"
        ? match.parameters["app"]
        : request.header(target === "2019-08-01" ? "x-identity-header" : "secret");
    if (given === undefined || given === "") throw wrongSecret();
    const resourceId = scheme === "IdentityAddress" ? secrets.resourceOfAddress(given) : secrets.resourceOf(given);
    if (resourceId === undefined) throw wrongSecret();
    return { kind: "secret", scheme, name: resourceId, grant: { resourceId } };
  };

/** `06/20/2019 02:57:58 +00:00`: what 2017-09-01 answers on Linux. */
const linuxTime = (seconds: number): string => {
  const [date = "", time = ""] = new Date(seconds * 1000).toISOString().slice(0, 19).split("T");
  const [year, month, day] = date.split("-");
  return `${month}/${day}/${year} ${time} +00:00`;
};
