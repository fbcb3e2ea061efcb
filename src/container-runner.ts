/** Joins Container Apps, which knows resources, and the container host, which knows engines. */
import { dirname, join } from "node:path";
import type { ContainerHost, HostedApp, HostedContainer } from "./containers/container-host.ts";
import type { HostedApps } from "./hosted-apps.ts";
import type { AppSecrets } from "./identity/app-secrets.ts";
import type { AppSetup, ContainerRunner, ContainerSetup } from "./services/container-apps/runner.ts";

export interface ContainerRunnerOptions {
  readonly apps: Pick<HostedApps, "environment">;
  readonly secrets: Pick<AppSecrets, "accountName" | "rotate" | "forget">;
  readonly stateDirectory: string;
  readonly tenantId: string;
  /** Socket of a Docker-compatible engine; `off`: none is looked for. Default: DOCKER_HOST or a usual place. */
  readonly engine: string | undefined;
}

/** Where a container finds what it trusts and the hook; read-only. */
const mountPoint = "/run/lanyard";

/** Variables that hold options of several parties: ours are added to the app's own. */
const joined = ["NODE_OPTIONS", "JAVA_TOOL_OPTIONS"];

/** A container's variables and mounts: the app's own, and over them what makes it meet this tenant as itself. */
export const containerOf = (setup: ContainerSetup, edge: Readonly<Record<string, string>>): HostedContainer => {
  const folders = [
    { source: dirname(edge["NODE_EXTRA_CA_CERTS"] ?? "/"), target: `${mountPoint}/edge` },
    { source: edge["AZURE_CONFIG_DIR"] ?? "/", target: `${mountPoint}/empty` },
  ].filter(({ source }) => source !== "/");
  const inside = (value: string): string =>
    folders.reduce((text, { source, target }) => text.replaceAll(source, target), value);
  const variables: Record<string, string> = { ...setup.variables };
  for (const [name, value] of Object.entries(edge)) {
    const own = joined.includes(name) ? (setup.variables[name] ?? "") : "";
    variables[name] = `${own} ${inside(value)}`.trim();
  }
  return { ...setup, variables, mounts: folders };
};

export interface TenantContainers extends AsyncDisposable {
  readonly runner: ContainerRunner;
}

export const tenantContainers = (options: ContainerRunnerOptions): TenantContainers => {
  const { apps, secrets } = options;
  let opened: ContainerHost | undefined;
  const host = async (): Promise<ContainerHost> => {
    const { ContainerHost: Host } = await import("./containers/container-host.ts");
    const { findEngine } = await import("./containers/docker-engine.ts");
    const { engine } = options;
    return (opened ??= new Host({
      tenantId: options.tenantId,
      logFolder: (label) => join(options.stateDirectory, "containers", label),
      engine: async () => (engine === "off" ? { reason: "container engines are turned off." } : findEngine(engine)),
    }));
  };
  const hosted = (setup: AppSetup): HostedApp => ({
    ...setup,
    label: secrets.accountName(setup.id),
    containers: async () => {
      const edge = await apps.environment(setup.id, "other");
      return setup.containers.map((container) => containerOf(container, edge));
    },
  });
  const runner: ContainerRunner = {
    run: async (setup) => (await host()).run(hosted(setup)),
    restart: async (setup) => {
      await secrets.rotate(setup.id);
      await (await host()).restart(hosted(setup));
    },
    stop: async (id) => opened?.stop(id),
    remove: async (id) => {
      await opened?.remove(id);
      await secrets.forget(id);
    },
    state: (id) => opened?.state(id) ?? { phase: "none", restarts: 0 },
    logs: async function* logs(id, wanted) {
      if (opened !== undefined) yield* opened.logs(id, wanted);
    },
    forward: async (id, request, port) => (await host()).forward(id, request, port),
    upgrade: (id, request, socket, head, port) => {
      host().then(
        (running) => running.upgrade(id, request, socket, head, port),
        () => socket.destroy(),
      );
    },
  };
  return { runner, [Symbol.asyncDispose]: async () => opened?.[Symbol.asyncDispose]() };
};
