/** Everything Container Apps puts into a tenant: `Microsoft.App` and the ingress of its apps. */
import type { Duplex } from "node:stream";
import type { ArmContext } from "../../arm/context.ts";
import type { ArmTarget, ResourceType } from "../../arm/resource-type.ts";
import type { Request } from "../../kernel/message.ts";
import type { AnyOperation } from "../../kernel/operation.ts";
import { anyService, type Service } from "../../kernel/service.ts";
import { appOf, appType, domainOf, servingRevision } from "./app.ts";
import { appResource } from "./apps.ts";
import type { AppsContext } from "./context.ts";
import { environmentResource } from "./environments.ts";
import { containerAppFrontDoor, upgradeContainerApp } from "./front-door.ts";
import { logStreamService } from "./log-stream.ts";
import { logTokens } from "./log-tokens.ts";
import { replicaResource, revisionOperations, revisionResource } from "./revisions.ts";
import type { ContainerRunner } from "./runner.ts";
import { setupOf } from "./setup.ts";
import { appSync } from "./sync.ts";

export interface ContainerAppsOptions {
  readonly arm: ArmContext;
  readonly runner: ContainerRunner;
  /** Told of failures in the background. */
  readonly onError: (error: unknown) => void;
}

export interface ContainerApps {
  readonly services: readonly Service[];
  readonly types: readonly ResourceType[];
  readonly armOperations: readonly AnyOperation<ArmTarget>[];
  /** For the edge: takes over a WebSocket upgrade of an app's host. False: not an app's. */
  upgrade(request: Request, socket: Duplex, head: Buffer): Promise<boolean>;
  /** Variables of an app's first container, secrets resolved; undefined: there is no such app. */
  variables(id: string): Promise<Readonly<Record<string, string>> | undefined>;
  /** Starts the apps that are wanted running; call it once the tenant listens. Does not wait for them. */
  resume(): Promise<void>;
}

export const openContainerApps = ({ arm, runner, onError }: ContainerAppsOptions): ContainerApps => {
  const sync = appSync(arm.resources, runner, onError);
  const context: AppsContext = {
    arm,
    resources: arm.resources,
    runner,
    sync,
    logTokens: logTokens(arm.ids, arm.clock),
  };
  return {
    services: [anyService(containerAppFrontDoor(context)), anyService(logStreamService(context, context.logTokens))],
    types: [
      environmentResource(arm.resources, arm.ids),
      appResource(context),
      revisionResource(context),
      replicaResource(context),
    ],
    armOperations: revisionOperations(context),
    upgrade: (request, socket, head) => upgradeContainerApp(context, request, socket, head),
    variables: async (id) => {
      const record = await arm.resources.get(id);
      if (record?.type !== appType) return undefined;
      const app = appOf(record);
      const revision = servingRevision(app) ?? app.revisions.at(-1);
      if (revision === undefined) return undefined;
      return setupOf(app, revision, await domainOf(app, arm.resources)).containers[0]?.variables;
    },
    resume: () => sync.resume(),
  };
};
