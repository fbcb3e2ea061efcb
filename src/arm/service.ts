import type { TokenVerifier } from "../identity/verify.ts";
import { bearer, type TokenRefusal } from "../identity/bearer.ts";
import { type Caller, describeCaller } from "../kernel/caller.ts";
import type { Need, Verdict } from "../kernel/decision.ts";
import { Fault } from "../kernel/fault.ts";
import type { Request } from "../kernel/message.ts";
import type { AnyOperation } from "../kernel/operation.ts";
import type { Decider, Dialect, Service } from "../kernel/service.ts";
import { managementAudiences } from "./audiences.ts";
import { type ArmContext, managementHost } from "./context.ts";
import { armFault } from "./faults.ts";
import { operationsOfType, type TypeOperations } from "./generated.ts";
import { armMatcher, typeAt } from "./match.ts";
import { idOf, parseArmPath, segmentsOf, subscriptionOf, typeOf } from "./resource-id.ts";
import type { ArmTarget, ResourceType } from "./resource-type.ts";

/** The management plane with its declarations, which the reference pages are written from. */
export interface ArmService extends Service<ArmTarget> {
  readonly types: readonly ResourceType[];
}

/** The management plane: every resource type of every service, and the operations that are no resource's. */
export const armService = (options: {
  readonly types: readonly ResourceType[];
  readonly operations: readonly AnyOperation<ArmTarget>[];
  readonly context: ArmContext;
  readonly verifier: TokenVerifier;
  readonly rbac: Decider<ArmTarget>;
  readonly dialect: Dialect;
}): ArmService => {
  const { context, verifier } = options;
  const types = new Map<string, TypeOperations>(
    options.types.map((type) => [type.type.toLowerCase(), operationsOfType(type, context)]),
  );
  const tenantId = context.tenant.tenantId;
  return {
    name: "arm",
    types: options.types,
    title: "Azure Resource Manager",
    hosts: [{ exact: managementHost }],
    dialect: options.dialect,
    operations: [...options.operations, ...[...types.values()].flatMap((each) => [...each.values()])],
    match: armMatcher(options.operations, types, options.types),
    resolve: (request) => targetOf(request),
    scope: (call) => call.target.id,
    authenticators: [
      bearer(
        verifier,
        (audience) => managementAudiences.includes(audience),
        (refusal) => unauthenticated(refusal, tenantId),
      ),
    ],
    deciders: [options.rbac],
    refuse: (call, need, verdict) => refuse(call.caller, need, verdict, tenantId),
    unmatched: (request) => unmatched(request, options.types),
  };
};

/** Slashes, dots and control characters in a name could make one id of another (`a%2Fproviders%2F…`, `%2e%2e`). */
const ambiguous = /[/\\\p{Cc}]|^\.{1,2}$/u;

const targetOf = (request: Request): ArmTarget => {
  const segments = segmentsOf(request.rawPath);
  const bad = segments.find((segment) => ambiguous.test(segment));
  if (bad !== undefined) throw armFault("invalidSegment", { segment: bad.replaceAll(/\p{Cc}/gu, "?").slice(0, 100) });
  const path = parseArmPath(segments, request.method);
  const id = path === undefined ? `/${segments.join("/")}` : idOf(path);
  return { path, id, subscriptionId: subscriptionOf(id) };
};

const unauthenticated = (refusal: TokenRefusal, tenantId: string): Fault => {
  const fault = (code: string, message: string): Fault =>
    new Fault({
      status: 401,
      code,
      message,
      headers: {
        "www-authenticate": `Bearer authorization_uri="https://login.windows.net/${tenantId}", error="invalid_token", error_description="${message.replaceAll('"', "'")}"`,
      },
    });
  const { claims, problem } = refusal;
  switch (problem) {
    case "audience":
      return fault(
        "InvalidAuthenticationTokenAudience",
        `The access token has been obtained for wrong audience or resource '${text(claims["aud"])}'. It should exactly match with one of the allowed audiences '${managementAudiences.join("','")}'.`,
      );
    case "expired":
      return fault(
        "ExpiredAuthenticationToken",
        `The access token expiry UTC time '${usTime(claims["exp"])}' is earlier than current UTC time.`,
      );
    case "issuer":
      return fault(
        "InvalidAuthenticationTokenTenant",
        `The access token is from the wrong issuer '${text(claims["iss"])}'. It must match the tenant 'https://sts.windows.net/${tenantId}/' associated with this subscription. Please use the authority (URL) 'https://login.windows.net/${tenantId}' to get the token.`,
      );
    case "claims":
      return fault(
        "InvalidAuthenticationToken",
        "The received access token is not valid: at least one of the claims 'puid' or 'altsecid' or 'oid' should be present. If you are accessing as application please make sure service principal is properly created in the tenant.",
      );
    case "not-yet-valid":
      return fault("AuthenticationFailed", "Authentication failed.");
    case "malformed":
    case "signature":
      return fault("InvalidAuthenticationToken", "The access token is invalid.");
  }
};

const text = (value: unknown): string => (typeof value === "string" ? value.slice(0, 200) : "");

/** `6/15/2026 8:22:51 AM`, as ARM writes times in this one message. */
const usTime = (seconds: unknown): string =>
  new Date(Number(seconds) * 1000).toLocaleString("en-US", { timeZone: "UTC" }).replace(",", "");

const refuse = (caller: Caller, need: Need, verdict: Verdict & { allowed: false }, tenantId: string): Fault => {
  const hint = verdict.hint === undefined ? {} : { hint: verdict.hint };
  if (caller.kind === "anonymous")
    return new Fault({
      status: 401,
      code: "AuthenticationFailed",
      message: "Authentication failed. The 'Authorization' header is missing.",
      headers: {
        "www-authenticate": `Bearer authorization_uri="https://login.windows.net/${tenantId}", error="invalid_token", error_description="The authentication failed because of missing 'Authorization' header."`,
      },
    });
  const who =
    caller.kind === "principal"
      ? `The client '${caller.name}' with object id '${caller.objectId}'`
      : `The client '${describeCaller(caller)}'`;
  if (need.linkedTo !== undefined)
    return new Fault({
      status: 403,
      code: "LinkedAuthorizationFailed",
      message: `${who} has permission to perform action '${need.linkedTo.name}' on scope '${need.linkedTo.scope}'; however, it does not have permission to perform action '${need.name}' on the linked scope(s) '${need.scope}' or the linked scope(s) are invalid.`,
      ...hint,
    });
  if (verdict.cause === "deny-assignment") {
    const { name = "", id = "", scope = "" } = (verdict.detail ?? {}) as Record<string, string>;
    return new Fault({
      status: 403,
      code: "DenyAssignmentAuthorizationFailed",
      message: `${who} has permission to perform action '${need.name}' on scope '${need.scope}'; however, the access is denied because of the deny assignment with name '${name}' and Id '${id.replaceAll("-", "")}' at scope '${scope}'.`,
      ...hint,
    });
  }
  const lacks =
    verdict.cause === "condition"
      ? "does not have authorization or an ABAC condition not fulfilled to perform action"
      : "does not have authorization to perform action";
  return new Fault({
    status: 403,
    code: "AuthorizationFailed",
    message: `${who} ${lacks} '${need.name}' over scope '${need.scope}' or the scope is invalid. If access was recently granted, please refresh your credentials.`,
    ...hint,
  });
};

const unmatched = (request: Request, types: readonly ResourceType[]): Fault => {
  const path = parseArmPath(segmentsOf(request.rawPath), request.method);
  if (path === undefined) return armFault("notFound", { path: request.rawPath.slice(0, 300) });
  const namespace = path.namespace.toLowerCase();
  const inNamespace = types.filter((type) => type.type.toLowerCase().startsWith(`${namespace}/`));
  if (inNamespace.length === 0) return armFault("invalidNamespace", { namespace: path.namespace });
  if (typeAt(path, types) !== undefined)
    return path.action === undefined
      ? armFault("methodNotAllowed", { method: request.method, scope: idOf(path) })
      : new Fault({
          status: 404,
          code: "NotImplemented",
          message: `The action '${path.action}' of ${typeOf(path)} is not implemented by Lanyard.`,
          hint: "docs/reference/coverage.md lists the operations that are.",
        });
  return armFault(
    "invalidType",
    { namespace: path.namespace, version: request.query.get("api-version") ?? "" },
    {
      hint: `Lanyard has no resource type ${typeOf(path)} at this scope; docs/reference/coverage.md lists those it has.`,
    },
  );
};
