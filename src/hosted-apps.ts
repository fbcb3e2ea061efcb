import { chmod, copyFile, mkdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { composeEnvironment, type Runtime } from "./edge/environment.ts";
import { type TrustFiles, trustFiles } from "./edge/trust-files.ts";
import type { AppHost } from "./host/app-host.ts";
import type { AppSecrets } from "./identity/app-secrets.ts";

export interface HostedAppsOptions {
  readonly stateDirectory: string;
  readonly caFile: string;
  readonly secrets: AppSecrets;
  /** Known once the gateway listens. */
  readonly ports: () => { readonly gateway: number; readonly open: number; readonly tls: number };
  readonly postgres: () => { readonly address: string; readonly port: number } | undefined;
  readonly passthrough: readonly string[];
}

/** Running apps, opened when the first one is wanted: a tenant without apps pays nothing for them. */
export interface HostedApps {
  host(): Promise<AppHost>;
  /** The variables that make a hosted app meet this tenant as itself: routing, trust and its own identity. */
  environment(resourceId: string, runtime: Runtime): Promise<Readonly<Record<string, string>>>;
  /** What the person who started us should know, e.g. that apps share our user; none before the first app. */
  warnings(): Promise<readonly string[]>;
  close(): Promise<void>;
}

export const hostedApps = (options: HostedAppsOptions): HostedApps => {
  let opened: Promise<AppHost> | undefined;
  let trusted: Promise<TrustFiles> | undefined;
  const open = async (): Promise<AppHost> => {
    const { createLocalAppHost } = await import("./host/local-app-host.ts");
    return createLocalAppHost({ directory: await appsDirectory(options.stateDirectory) });
  };
  return {
    host: () => (opened ??= open()),
    environment: async (resourceId, runtime) => {
      const { gateway, open: openPort, tls } = options.ports();
      const secret = await options.secrets.of(resourceId);
      const postgres = options.postgres();
      const empty = await publicFolder(options.stateDirectory, "empty");
      const { set } = composeEnvironment({
        base: {},
        runtime,
        actor: { kind: "app", identityEndpoint: `http://127.0.0.1:${gateway}/msi/token`, identityHeader: secret },
        account: { name: options.secrets.accountName(resourceId), secret },
        gatewayPort: gateway,
        openPort,
        tlsPort: tls,
        trust: await (trusted ??= publishTrust(options)),
        hook: await publishHook(options.stateDirectory),
        ...(postgres === undefined ? {} : { postgres }),
        azureConfigFolder: empty,
        azdConfigFolder: empty,
        passthrough: options.passthrough,
      });
      return set;
    },
    warnings: async () => (await opened)?.warnings ?? [],
    close: async () => {
      await (await opened)?.[Symbol.asyncDispose]();
    },
  };
};

/** Where apps live: inside the state, or in the platform's place for root's state when others cannot enter it. */
const appsDirectory = async (stateDirectory: string): Promise<string> =>
  (await import("./host/isolation.ts")).prepareAppsDirectory(stateDirectory);

/** Apps may run as other users: certificates (public by nature) and the hook lie where those can read them. */
const publicFolder = async (stateDirectory: string, name: string): Promise<string> => {
  const folder = join(await appsDirectory(stateDirectory), name);
  await mkdir(folder, { recursive: true, mode: 0o755 });
  await chmod(folder, 0o755);
  return folder;
};

const publish = async (source: string, folder: string): Promise<string> => {
  const target = join(folder, basename(source));
  await copyFile(source, target);
  await chmod(target, 0o644);
  return target;
};

const publishTrust = async ({ stateDirectory, caFile }: HostedAppsOptions): Promise<TrustFiles> => {
  const folder = await publicFolder(stateDirectory, "edge");
  const files = await trustFiles(caFile, process.env);
  return {
    ca: await publish(files.ca, folder),
    bundle: await publish(files.bundle, folder),
    trustStore: await publish(files.trustStore, folder),
  };
};

const publishHook = async (stateDirectory: string): Promise<string> =>
  publish(join(import.meta.dirname, "edge", "hook.cjs"), await publicFolder(stateDirectory, "edge"));
