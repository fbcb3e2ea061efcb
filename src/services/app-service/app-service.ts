/** Everything App Service puts into a tenant: `Microsoft.Web`, Kudu, and the front door of its apps. */
import type { Duplex } from "node:stream";
import type { ArmTarget, ResourceType } from "../../arm/resource-type.ts";
import type { Resources } from "../../arm/resources.ts";
import type { TokenVerifier } from "../../identity/verify.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Ids } from "../../kernel/ids.ts";
import type { Request } from "../../kernel/message.ts";
import type { AnyOperation } from "../../kernel/operation.ts";
import { anyService, type Decider, type Service } from "../../kernel/service.ts";
import type { Store } from "../../store/store.ts";
import { configListOperations, configResource } from "./config.ts";
import { hasDeployments, openDeployments } from "./deployments.ts";
import { frontDoorService, upgradeApp } from "./front-door.ts";
import { kuduService } from "./kudu/service.ts";
import { planResource } from "./plans.ts";
import { webOperations } from "./provider-operations.ts";
import type { SiteRunner, SiteSetup } from "./runner.ts";
import { setupOf, siteOf, siteType } from "./site.ts";
import { siteChildren } from "./site-children.ts";
import { siteResource } from "./sites.ts";
import { siteSync } from "./sync.ts";

export interface AppServiceOptions {
  readonly store: Store;
  readonly resources: Resources;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly verifier: TokenVerifier;
  readonly rbac: Decider<unknown>;
  readonly runner: SiteRunner;
  /** Told of failures in the background. */
  readonly onError: (error: unknown) => void;
}

export interface AppService {
  readonly services: readonly Service[];
  readonly types: readonly ResourceType[];
  readonly armOperations: readonly AnyOperation<ArmTarget>[];
  /** For the edge: takes over a WebSocket upgrade of an app's host. False: not an app's. */
  upgrade(request: Request, socket: Duplex, head: Buffer): Promise<boolean>;
  /** How a site is to run; undefined: there is no such site. */
  setup(id: string): Promise<SiteSetup | undefined>;
  /** Fails deployments that a crash interrupted. */
  recover(): Promise<void>;
  /** Starts the apps that are wanted running; call it once the tenant listens. Does not wait for them. */
  resume(): Promise<void>;
}

export const openAppService = (options: AppServiceOptions): AppService => {
  const { store, resources, clock, ids, runner, verifier, rbac } = options;
  const sync = siteSync(resources, runner, (id) => hasDeployments(store, id), options.onError);
  const deployments = openDeployments({ store, clock, ids, runner, sync });
  const context = { resources, ids, runner, sync, deployments };
  return {
    services: [anyService(frontDoorService(context)), anyService(kuduService({ ...context, clock, verifier, rbac }))],
    types: [planResource(resources), siteResource(context), configResource(context), ...siteChildren(context)],
    armOperations: [...webOperations(resources), ...configListOperations(context)],
    upgrade: (request, socket, head) => upgradeApp(context, request, socket, head),
    setup: async (id) => {
      const record = await resources.get(id);
      return record?.type === siteType ? setupOf(siteOf(record), resources) : undefined;
    },
    recover: () => deployments.recover(),
    resume: () => sync.resume(),
  };
};
