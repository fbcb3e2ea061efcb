/** `{site}.scm.azurewebsites.net`: Kudu, as far as deployments, logs and commands need it. */
import type { TokenVerifier } from "../../../identity/verify.ts";
import type { Resources } from "../../../arm/resources.ts";
import type { Clock } from "../../../kernel/clock.ts";
import type { Decider, Dialect, Service } from "../../../kernel/service.ts";
import type { Deployments } from "../deployments.ts";
import { kuduFault } from "../faults.ts";
import type { SiteRunner } from "../runner.ts";
import { siteOf, siteType } from "../site.ts";
import type { SiteSync } from "../sync.ts";
import { type KuduTarget, kuduAuthenticators, publishingCredentials, unauthorized } from "./authenticate.ts";
import { consoleOperations } from "./console.ts";
import { historyOperations } from "./history.ts";
import { pushOperations } from "./push.ts";

export interface KuduContext {
  readonly resources: Resources;
  readonly deployments: Deployments;
  readonly runner: SiteRunner;
  readonly sync: SiteSync;
  readonly clock: Clock;
  readonly verifier: TokenVerifier;
  readonly rbac: Decider<KuduTarget>;
}

const suffix = ".scm.azurewebsites.net";

/** Kudu says what is wrong in plain text. */
const dialect: Dialect = {
  name: "kudu",
  headers: (exchange) => ({ "x-ms-request-id": exchange.id }),
  fault: (fault) => ({
    status: fault.status,
    headers: fault.headers,
    body: { text: fault.message, type: "text/plain; charset=utf-8" },
  }),
};

export const kuduService = (context: KuduContext): Service<KuduTarget> => {
  const { resources, deployments, runner, sync, clock } = context;
  const named = (name: string) => resources.named(siteType, name);
  return {
    name: "kudu",
    title: "App Service deployment (Kudu)",
    hosts: [{ suffix, exists: async (label) => (await named(label)) !== undefined }],
    dialect,
    operations: [
      ...pushOperations(deployments),
      ...historyOperations(deployments),
      ...consoleOperations(runner, sync, clock),
    ],
    resolve: async (request) => {
      const record = await named(request.host.slice(0, -suffix.length));
      if (record === undefined) throw kuduFault("notFound", { path: request.host });
      return { site: siteOf(record) };
    },
    scope: (call) => call.target.site.id,
    authenticators: kuduAuthenticators(context.verifier),
    deciders: [publishingCredentials, context.rbac],
    refuse: (call, need, verdict) =>
      call.caller.kind === "anonymous"
        ? unauthorized("Credentials are required.")
        : kuduFault(
            "forbidden",
            { why: `The caller may not perform '${need.name}' on '${need.scope}'.` },
            verdict.hint === undefined ? {} : { hint: verdict.hint },
          ),
    unmatched: (request) =>
      /^\/api\/(vfs|zip|logs|dump|triggeredwebjobs|continuouswebjobs)\b|^\/dump\b|\.git\//i.test(request.rawPath)
        ? kuduFault("notBuilt", { what: `${request.method} ${request.rawPath.slice(0, 100)} of Kudu` })
        : kuduFault("notFound", { path: request.rawPath.slice(0, 200) }),
  };
};
