import type { WorkloadIssuer } from "../../identity/workload-issuer.ts";
import { json } from "../../kernel/message.ts";
import { operationsOf } from "../../kernel/operation.ts";
import type { Service } from "../../kernel/service.ts";
import { identityFault, imdsDialect } from "./faults.ts";

const operation = operationsOf<string, never, never>();
const needs = { open: "a public document" };

/** The OpenID Connect documents of the tenant's own workload issuer, as a Kubernetes cluster publishes them. */
export const workloadIssuerService = (own: WorkloadIssuer): Service<string> => {
  const { pathname } = new URL(own.issuer);
  return {
    name: "workload-issuer",
    title: "Workload identity issuer",
    hosts: [{ exact: own.host }],
    dialect: imdsDialect,
    operations: [
      operation({
        name: "GetIssuerConfiguration",
        method: "GET",
        path: "/:tenant/.well-known/openid-configuration",
        needs,
        handle: () =>
          json({
            issuer: own.issuer,
            jwks_uri: `${own.issuer}/openid/v1/jwks`,
            response_types_supported: ["id_token"],
            subject_types_supported: ["public"],
            id_token_signing_alg_values_supported: ["RS256"],
          }),
      }),
      operation({
        name: "GetIssuerKeys",
        method: "GET",
        path: "/:tenant/openid/v1/jwks",
        needs,
        handle: async () => {
          const { jwk } = await own.key();
          return json({
            keys: [{ use: "sig", kty: jwk["kty"], kid: jwk["kid"], alg: "RS256", n: jwk["n"], e: jwk["e"] }],
          });
        },
      }),
    ],
    resolve: (_request, match) => {
      const tenant = match.parameters["tenant"] ?? "";
      if (`/${tenant}` !== pathname) throw identityFault(404, "not_found", "There is no such issuer.");
      return tenant;
    },
    scope: () => "/",
    authenticators: [],
    deciders: [],
    refuse: () => identityFault(404, "not_found", "There is no such document."),
    unmatched: () => identityFault(404, "not_found", "There is no such document."),
  };
};
