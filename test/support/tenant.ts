/** A tenant in memory for tests, and requests straight into its kernel: no ports, no TLS. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Clock } from "../../src/kernel/clock.ts";
import type { Decision } from "../../src/kernel/decision.ts";
import { invocationRequest } from "../../src/kernel/invocation.ts";
import type { Method, Reply } from "../../src/kernel/message.ts";
import { openMemoryStore } from "../../src/store/memory.ts";
import { openTenant, type Tenant, type TenantOptions } from "../../src/tenant.ts";

export interface TestTenant extends AsyncDisposable {
  readonly tenant: Tenant;
  readonly decisions: readonly Decision[];
  /** Failures that were ours; a test that expects none checks that this is empty. */
  readonly errors: readonly unknown[];
  /** Moves the tenant clock. */
  advance(milliseconds: number): void;
  /** A token of the seeded developer. */
  developerToken(audience?: string): Promise<string>;
  send(options: SendOptions): Promise<Answer>;
  /** ARM on the developer's token unless `token` says otherwise; the path without api-version. */
  arm(method: Method, path: string, json?: unknown, token?: string): Promise<Answer>;
}

export interface SendOptions {
  readonly method: Method;
  readonly host: string;
  readonly path: string;
  readonly token?: string;
  readonly json?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly form?: Readonly<Record<string, string>>;
  /** The app that the edge would know the connection by. */
  readonly connectionApp?: string | undefined;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  // oxlint-disable-next-line typescript/no-explicit-any -- answers are looked into by tests
  readonly body: any;
}

export const startTestTenant = async (options: Partial<TenantOptions> = {}): Promise<TestTenant> => {
  const folder = await mkdtemp(join(tmpdir(), "lanyard-test-"));
  const decisions: Decision[] = [];
  const errors: unknown[] = [];
  let offset = 0;
  const clock: Clock = { now: () => Date.now() + offset, wall: () => Date.now() };
  const tenant = await openTenant({
    stateDirectory: join(folder, "state"),
    runtimeDirectory: join(folder, "run"),
    decisions: { record: (decision) => decisions.push(decision) },
    onError: (error) => errors.push(error),
    port: 0,
    clock,
    store: openMemoryStore(),
    ...options,
  });
  const { info } = tenant;
  const developerToken = async (audience = "https://management.azure.com"): Promise<string> => {
    const principal = await tenant.directory.servicePrincipal(info.developerAppId);
    if (principal === undefined) throw new Error("The developer was not seeded.");
    return (await tenant.issuer.issue({ principal, audience, proof: "secret" })).token;
  };
  const send = async (message: SendOptions): Promise<Answer> => {
    const form = message.form === undefined ? undefined : new URLSearchParams(message.form).toString();
    const invoked = invocationRequest({
      method: message.method,
      host: message.host,
      path: message.path,
      ...(message.json === undefined ? {} : { json: message.json }),
      headers: {
        ...(message.token === undefined ? {} : { authorization: `Bearer ${message.token}` }),
        ...message.headers,
      },
    });
    const request = { ...invoked, connectionApp: message.connectionApp };
    const bytes = Buffer.from(form ?? "");
    const reply = await tenant.kernel.handle(
      form === undefined
        ? request
        : { ...request, body: { ...request.body, length: bytes.length, bytes: () => Promise.resolve(bytes) } },
    );
    return { status: reply.status, headers: reply.headers ?? {}, body: bodyOf(reply) };
  };
  return {
    tenant,
    decisions,
    errors,
    advance: (milliseconds) => {
      offset += milliseconds;
    },
    developerToken,
    send,
    arm: async (method, path, json, token) =>
      send({
        method,
        host: "management.azure.com",
        path: `${path}${path.includes("?") ? "&" : "?"}api-version=2024-04-01`,
        token: token ?? (await developerToken()),
        ...(json === undefined ? {} : { json }),
      }),
    [Symbol.asyncDispose]: async () => {
      await tenant.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
};

const bodyOf = (reply: Reply): unknown => {
  if (reply.body === undefined) return undefined;
  if ("json" in reply.body) return reply.body.json;
  // Some replies are encoded once and kept.
  if ("text" in reply.body)
    return reply.body.type.startsWith("application/json") ? (JSON.parse(reply.body.text) as unknown) : reply.body.text;
  return undefined;
};
