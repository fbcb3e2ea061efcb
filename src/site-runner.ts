/** Joins App Service, which knows resources, and the app host, which knows processes. */
import type { HostedApps } from "./hosted-apps.ts";
import type { AppHost } from "./host/app-host.ts";
import {
  type ConnectionString,
  type ConnectionStringType,
  platformEnvironment,
  siteVariables,
} from "./host/environment.ts";
import { parseStack } from "./host/stack.ts";
import type { AppSecrets } from "./identity/app-secrets.ts";
import type { SiteRunner, SiteSetup } from "./services/app-service/runner.ts";

/** Variables by which a client finds a managed identity; an app without one must not see them. */
const identityVariable = /^(IDENTITY_(ENDPOINT|HEADER)|MSI_(ENDPOINT|SECRET))$/;

const connectionStringsOf = ({ connectionStrings }: SiteSetup): Record<string, ConnectionString> =>
  Object.fromEntries(
    Object.entries(connectionStrings).map(([key, { value, type }]) => [
      key,
      { value, type: type as ConnectionStringType },
    ]),
  );

/** What a site gives its app, wherever the app runs: `lanyard run --as SITE` gives it to a local command. */
export const variablesOfSite = (setup: SiteSetup): Readonly<Record<string, string>> =>
  siteVariables({
    platform: platformEnvironment(setup),
    settings: setup.settings,
    connectionStrings: connectionStringsOf(setup),
  });

export const siteRunner = (apps: HostedApps, secrets: Pick<AppSecrets, "forget">): SiteRunner => {
  const configure = async (host: AppHost, setup: SiteSetup): Promise<void> => {
    const stack = parseStack(setup.linuxFxVersion) ?? { language: "node", version: "" };
    const environment = Object.entries(await apps.environment(setup.id, stack.language));
    await host.configure(setup.id, {
      name: setup.name,
      defaultHostName: setup.hostName,
      stack,
      startCommand: setup.startCommand,
      settings: setup.settings,
      connectionStrings: connectionStringsOf(setup),
      platform: platformEnvironment(setup),
      edge: Object.fromEntries(environment.filter(([key]) => setup.hasIdentity || !identityVariable.test(key))),
      ...(setup.affinity ? { affinity: setup.instanceId } : {}),
    });
  };
  return {
    supports: (linuxFxVersion) => parseStack(linuxFxVersion) !== undefined,
    setUp: async (setup) => configure(await apps.host(), setup),
    start: async (id) => (await apps.host()).start(id),
    stop: async (id) => (await apps.host()).stop(id),
    restart: async (id) => (await apps.host()).restart(id),
    remove: async (id) => {
      await (await apps.host()).delete(id);
      await secrets.forget(id);
    },
    state: async (id) => (await apps.host()).state(id),
    receive: async (body) => (await apps.host()).receive(body),
    deploy: async (id, upload, log, options) => {
      await (await apps.host()).deploy(id, { path: upload.path }, log, options);
    },
    logs: async function* logs(id, options) {
      yield* (await apps.host()).logs(id, options);
    },
    run: async (id, command, folder) => (await apps.host()).run(id, command, folder),
    forward: async (id, request) => (await apps.host()).forward(id, request),
    upgrade: (id, request, socket, head) => {
      apps.host().then(
        (host) => host.upgrade(id, request, socket, head),
        () => socket.destroy(),
      );
    },
  };
};
