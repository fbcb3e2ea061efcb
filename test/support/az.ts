/** The real Azure CLI in a tenant of its own: signed in, offline, on nobody's configuration but its own. */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import {
  type Finished,
  startTenant,
  type StartTenantOptions,
  type TestTenant,
} from "../../src/testing/start-tenant.ts";
import { requireTool } from "./skip.ts";
import { root as projectRoot } from "./source.ts";

export interface AzSession extends AsyncDisposable {
  readonly tenant: TestTenant;
  /** Where commands run; `az webapp up` deploys it. */
  readonly folder: string;
  /**
   * Runs a line of Bash with `az` on PATH, as a tutorial prints it; variables it exports are there for the next line.
   * @throws when it ends with another code than 0
   */
  bash(script: string, options?: BashOptions): Promise<Finished>;
  /** The same for a line that must fail. @throws when it does not */
  fails(script: string, options?: BashOptions): Promise<Finished>;
  /** What an `az` command prints as JSON. */
  // oxlint-disable-next-line typescript/no-explicit-any -- answers are looked into by tests
  json(script: string, options?: BashOptions): Promise<any>;
  /** Sets a variable for the lines that follow. */
  set(name: string, value: string): void;
}

export interface BashOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Milliseconds; default 120 000. */
  readonly timeout?: number;
}

export const startAz = async (options: StartTenantOptions = {}): Promise<AzSession> => {
  const az = requireTool("az");
  const tenant = await startTenant(options);
  const root = await mkdtemp(join(tmpdir(), "lanyard-az-"));
  const folder = join(root, "app");
  await mkdir(folder);
  const variables: Record<string, string> = {
    // The base name must be `.azure`, or az leaves a folder of another name in the app (az-cli.md 1.3).
    AZURE_CONFIG_DIR: join(root, "home", ".azure"),
    AZURE_EXTENSION_DIR: join(root, "extensions"),
    // As `lanyard az` sets it: stand-ins for extensions that only the network has.
    AZURE_EXTENSION_SYS_DIR: join(projectRoot, "az-extension"),
    PYTHONDONTWRITEBYTECODE: "1",
    AZURE_CORE_COLLECT_TELEMETRY: "no",
    AZURE_CORE_SURVEY_MESSAGE: "no",
    PATH: `${dirname(az)}${delimiter}${process.env["PATH"] ?? ""}`,
  };
  const run = (script: string, { env, timeout = 120_000 }: BashOptions = {}): Promise<Finished> =>
    tenant.run("bash", ["-euo", "pipefail", "-c", script], { cwd: folder, env: { ...variables, ...env }, timeout });
  const bash = async (script: string, options?: BashOptions): Promise<Finished> => {
    const finished = await run(script, options);
    if (finished.code !== 0) throw new Error(`${script}\nended with ${finished.code}:\n${finished.stderr}`);
    return finished;
  };
  return {
    tenant,
    folder,
    bash,
    fails: async (script, options) => {
      const finished = await run(script, options);
      if (finished.code === 0) throw new Error(`${script}\nshould have failed, but printed:\n${finished.stdout}`);
      return finished;
    },
    json: async (script, options) => JSON.parse((await bash(script, options)).stdout) as unknown,
    set: (name, value) => {
      variables[name] = value;
    },
    [Symbol.asyncDispose]: async () => {
      await tenant.close();
      await rm(root, { recursive: true, force: true });
    },
  };
};

/** The line of the tutorials that signs a service principal in. */
export const signIn =
  'az login --service-principal --username "$AZURE_CLIENT_ID" --password "$AZURE_CLIENT_SECRET" --tenant "$AZURE_TENANT_ID"';
