/** The test library: a tenant of its own for a test suite, without ports to choose or anything to clean up. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { environmentFor, runtimeOf } from "../control/environment.ts";
import { grantEnvironment } from "../control/grants.ts";
import { privateFolder } from "../control/state-folder.ts";
import type { Method } from "../kernel/message.ts";
import type { Decision } from "../kernel/decision.ts";
import type { IdentityProtocol } from "../control/identity-protocols.ts";
import { openTenant } from "../tenant.ts";
import { type ArmAnswer, developerArm } from "../control/developer-arm.ts";
import { type Assignment, assignRole, type RoleGrant } from "./assign-role.ts";
import { type Finished, runProgram, type RunOptions } from "./run-program.ts";

export type { ArmAnswer, Assignment, Decision, Finished, IdentityProtocol, RoleGrant, RunOptions };

export interface StartTenantOptions {
  /** A folder to keep the state in. Absent: the state lives in memory and ends with the tenant. */
  readonly state?: string;
  /** Seconds; overrides the lifetime of every token, to see a client renew its own. */
  readonly tokenLifetime?: number;
  /** Azure hosts to let through to the real ones. */
  readonly passthrough?: readonly string[];
  /** Socket of a Docker-compatible engine that runs container apps; `off`: none. Default: DOCKER_HOST or a usual place. */
  readonly containerEngine?: string;
  /** Federated issuers, as the `iss` of their tokens spells them, whose keys may be fetched over https. */
  readonly trustedIssuers?: readonly string[];
  /** False: every managed identity request gets a new token, instead of one that is cached for a day as in Azure. */
  readonly identityCache?: boolean;
  /** True: Cosmos DB answers 429 to what goes beyond the provisioned request units. */
  readonly enforceThroughput?: boolean;
}

export interface EnvironmentOptions {
  /**
   * Whom the process acts as: the name or resource id of a web app, container app or user-assigned identity. A name that
   * nothing has becomes a web app with a system-assigned identity. Absent: the developer, who is Owner of the subscription.
   */
  readonly as?: string;
  /** By which protocol the app finds its identity. Absent: as on App Service. */
  readonly identity?: IdentityProtocol;
  /** The program that the environment is for, when it is known: `node` clients are routed without a proxy. */
  readonly command?: string;
}

export interface TestTenant extends AsyncDisposable {
  readonly tenantId: string;
  readonly subscriptionId: string;
  /** Every request decided so far, oldest first. Empty it with `decisions.length = 0` between tests. */
  readonly decisions: Decision[];
  /** Failures of Lanyard itself. A suite may check at its end that there were none. */
  readonly failures: readonly unknown[];
  /** Variables for a process that is to meet this tenant instead of Azure: those of this process, changed. */
  environment(options?: EnvironmentOptions): Promise<Record<string, string>>;
  /**
   * Runs a program to its end in the tenant. A code other than 0 is an answer, not an error.
   * @throws when the program cannot be started or does not end in time
   */
  run(command: string, args?: readonly string[], options?: RunOptions): Promise<Finished>;
  /** One request to Azure Resource Manager as the developer; the path holds its api-version. */
  arm(method: Method, path: string, body?: unknown): Promise<ArmAnswer>;
  /**
   * Assigns a role, as the developer, through Azure Resource Manager.
   * @throws when the role, the principal or the scope does not exist
   */
  assign(grant: RoleGrant): Promise<Assignment>;
  /** Moves the tenant's clock (tokens, leases, retention); clients keep their own. Milliseconds. */
  advance(milliseconds: number): void;
  close(): Promise<void>;
}

/**
 * Starts a tenant in this process, on free loopback ports.
 * @example
 * await using tenant = await startTenant();
 * const { code } = await tenant.run("node", ["app.js"], { as: "my-app" });
 */
export const startTenant = async (options: StartTenantOptions = {}): Promise<TestTenant> => {
  const folder = await mkdtemp(join(tmpdir(), "lanyard-testing-"));
  const state = options.state ?? privateFolder(join(folder, "state"));
  const passthrough = options.passthrough ?? [];
  const decisions: Decision[] = [];
  const failures: unknown[] = [];
  const ending = new AbortController();
  let offset = 0;
  const discard = (): Promise<void> => rm(folder, { recursive: true, force: true });
  const tenant = await openTenant({
    stateDirectory: state,
    runtimeDirectory: join(folder, "run"),
    decisions: { record: (decision) => void decisions.push(decision) },
    onError: (error) => void failures.push(error),
    port: 0,
    clock: { now: () => Date.now() + offset, wall: () => Date.now() },
    passthrough,
    ...(options.state === undefined ? { store: "memory" } : {}),
    ...(options.trustedIssuers === undefined ? {} : { trustedIssuers: options.trustedIssuers }),
    ...(options.containerEngine === undefined ? {} : { containerEngine: options.containerEngine }),
    ...(options.identityCache === undefined ? {} : { identityCache: options.identityCache }),
    ...(options.enforceThroughput === undefined ? {} : { enforceThroughput: options.enforceThroughput }),
    ...(options.tokenLifetime === undefined ? {} : { tokenLifetime: options.tokenLifetime }),
  }).catch(async (error: unknown) => {
    await discard();
    throw error;
  });
  const arm = developerArm(tenant);

  const prepare = async ({ as, command, identity }: EnvironmentOptions): Promise<Record<string, string>> => {
    const grant = await grantEnvironment(
      { tenant, state, passthrough },
      { ...(as === undefined ? {} : { as }), ...(identity === undefined ? {} : { identity }), create: true },
    );
    return environmentFor(grant, process.env, runtimeOf(command));
  };
  /** Those under way write into the tenant's folder, which must outlive them. */
  const preparing = new Set<Promise<unknown>>();
  const environment = async (settings: EnvironmentOptions = {}): Promise<Record<string, string>> => {
    const prepared = prepare(settings);
    preparing.add(prepared);
    try {
      return await prepared;
    } catch (error) {
      if (ending.signal.aborted) throw new Error("No environment: the tenant was closed.", { cause: error });
      throw error;
    } finally {
      preparing.delete(prepared);
    }
  };
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => {
    ending.abort();
    closed ??= Promise.allSettled(preparing)
      .then(() => tenant.close())
      .then(discard);
    return closed;
  };
  return {
    tenantId: tenant.info.tenantId,
    subscriptionId: tenant.info.subscriptionId,
    decisions,
    failures,
    environment,
    run: async (command, args = [], settings = {}) =>
      runProgram(command, args, {
        ...settings,
        base: await environment({ ...settings, command }),
        ended: ending.signal,
      }),
    arm,
    assign: (grant) => assignRole(tenant, arm, grant),
    advance: (milliseconds) => {
      offset += milliseconds;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
};
