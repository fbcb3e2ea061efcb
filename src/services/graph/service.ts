import { bearer } from "../../identity/bearer.ts";
import { isGraphAudience } from "../../identity/graph-resource.ts";
import type { TokenVerifier } from "../../identity/verify.ts";
import { Fault } from "../../kernel/fault.ts";
import { pathMatcher } from "../../kernel/match.ts";
import type { Dialect, Service } from "../../kernel/service.ts";
import { appRoleOperations } from "./app-roles.ts";
import { applicationWrites } from "./application-writes.ts";
import type { GraphContext, GraphTarget } from "./context.ts";
import { passwordOperations } from "./credentials.ts";
import { federatedOperations } from "./federated-writes.ts";
import { graphFault, missingToken, refusedToken } from "./faults.ts";
import { groupWrites } from "./group-writes.ts";
import { membershipOperations, ownedObjectsOperation, ownerOperations } from "./owners.ts";
import { graphPermissions } from "./permissions.ts";
import { principalWrites } from "./principal-writes.ts";
import { readOperations } from "./reads.ts";
import { roleOperations } from "./role-management.ts";

/** Microsoft Graph, as much of it as the tenant's directory needs: what `az ad` and look-ups by name ask for. */
export const graphService = (
  options: GraphContext & { readonly verifier: TokenVerifier; readonly dialect: Dialect },
): Service<GraphTarget> => {
  const operations = [
    ...readOperations(options),
    ...applicationWrites(options),
    ...passwordOperations(options),
    ...federatedOperations(options),
    ...principalWrites(options),
    ...groupWrites(options),
    ...ownerOperations(options),
    ...membershipOperations(options),
    ownedObjectsOperation(options),
    ...roleOperations(options),
    ...appRoleOperations(options),
  ];
  return {
    name: "graph",
    title: "Microsoft Graph",
    hosts: [{ exact: "graph.microsoft.com" }],
    dialect: options.dialect,
    operations,
    match: pathMatcher(operations, { segments: segmentsOf, ignoreCase: true }),
    resolve: (_request, match) => {
      const version = (match.parameters["version"] ?? "").toLowerCase();
      if (version !== "v1.0" && version !== "beta") throw graphFault("version", { version: version.slice(0, 40) });
      return { version };
    },
    scope: () => "/",
    authenticators: [
      bearer(
        options.verifier,
        (audience) => isGraphAudience(audience),
        (refusal) => refusedToken(refusal),
      ),
    ],
    deciders: [graphPermissions(options.directory)],
    refuse: (call, _need, verdict) =>
      call.caller.kind === "anonymous"
        ? missingToken()
        : graphFault("denied", {}, verdict.hint === undefined ? {} : { hint: verdict.hint }),
    unmatched: (request) =>
      new Fault({
        status: 501,
        code: "NotImplemented",
        message: `${request.method} ${request.rawPath.slice(0, 200)} is not implemented by Lanyard.`,
        hint: "Lanyard's Microsoft Graph reads users, and reads and writes groups, service principals and applications; src/services/graph/README.md lists the operations.",
      }),
  };
};

/** `servicePrincipals(appId='…')` is `servicePrincipals/{key}` with another key. */
const segmentsOf = (rawPath: string): string[] =>
  rawPath
    .slice(1)
    .split("/")
    .flatMap((segment) => {
      const keyed = /^([A-Za-z]+)(\(.+\))$/.exec(segment);
      return keyed === null ? [segment] : [keyed[1] ?? "", keyed[2] ?? ""];
    });
