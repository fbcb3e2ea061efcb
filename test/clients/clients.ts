/**
 * Microsoft's own credential classes, one process per token, by every protocol. What came out stands in results.json:
 * the tests compare with it, and docs/reference/identity-protocols.md is written from it.
 * `LANYARD_RECORD_CLIENTS=1` writes it anew.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type IdentityProtocol, startTenant, type TestTenant } from "../../src/testing/start-tenant.ts";

export type Selector = "clientId" | "objectId" | "resourceId";
export type Credential = "managed" | "default" | "workload";

/** How a client is asked for a token; what it prints is one line of JSON. */
export interface Client {
  readonly name: string;
  readonly version: string;
  readonly protocols: readonly IdentityProtocol[];
  command(question: { credential: Credential; selector?: Selector; value?: string }): readonly [string, ...string[]];
  readonly env?: Readonly<Record<string, string>>;
  /** Of `env`, what a protocol goes without. */
  readonly without?: Readonly<Partial<Record<IdentityProtocol, readonly string[]>>>;
  /** Questions that the client's interface cannot ask. */
  readonly cannot?: readonly Question[];
}

export const questions = [
  "system-assigned",
  "client id",
  "object id",
  "resource id",
  "unknown client id",
  "default chain",
] as const;
export type Question = (typeof questions)[number];

/** `token`: of the identity that was asked for. Otherwise the name of the client's error. */
export type Results = Record<string, { version: string; protocols: Record<string, Record<string, string>> }>;

const file = join(import.meta.dirname, "results.json");
export const readResults = (): Results => JSON.parse(readFileSync(file, "utf8")) as Results;
const recording = process.env["LANYARD_RECORD_CLIENTS"] === "1";

export const scope = "https://storage.azure.com/.default";

export interface World extends AsyncDisposable {
  readonly tenant: TestTenant;
  readonly system: string;
  readonly worker: { readonly id: string; readonly clientId: string; readonly principalId: string };
}

/** A tenant with a site that has an identity of its own and a user-assigned one. */
export const openWorld = async (): Promise<World> => {
  const tenant = await startTenant();
  await tenant.environment({ as: "site" });
  const group = `/subscriptions/${tenant.subscriptionId}/resourceGroups/lanyard`;
  const id = `${group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/worker`;
  const made = await tenant.arm("PUT", `${id}?api-version=2023-01-31`, { location: "eastus" });
  const site = `${group}/providers/Microsoft.Web/sites/site?api-version=2024-11-01`;
  const identity = { type: "SystemAssigned, UserAssigned", userAssignedIdentities: { [id]: {} } };
  const { body } = await tenant.arm("PATCH", site, { identity });
  return {
    tenant,
    system: body.identity.principalId,
    worker: { id, clientId: made.body.properties.clientId, principalId: made.body.properties.principalId },
    [Symbol.asyncDispose]: () => tenant.close(),
  };
};

interface Answer {
  readonly token?: string;
  readonly expires?: number;
  readonly error?: string;
  readonly message?: string;
}

/** Asks one question in a process of its own. @returns what results.json holds for it */
const ask = async (world: World, client: Client, protocol: IdentityProtocol, question: Question): Promise<string> => {
  const { worker, system, tenant } = world;
  const selections: Readonly<Record<Question, { selector?: Selector; value?: string }>> = {
    "system-assigned": {},
    "client id": { selector: "clientId", value: worker.clientId },
    "object id": { selector: "objectId", value: worker.principalId },
    "resource id": { selector: "resourceId", value: worker.id },
    "unknown client id": { selector: "clientId", value: "00000000-0000-4000-8000-000000000000" },
    "default chain": {},
  };
  const workload = protocol === "workload";
  const credential = question === "default chain" ? "default" : workload ? "workload" : "managed";
  const [command, ...args] = client.command({ credential, ...selections[question] });
  const { stdout, stderr } = await tenant.run(command, args, {
    as: workload ? "worker" : "site",
    identity: protocol,
    env: Object.fromEntries(
      Object.entries(client.env ?? {}).filter(([name]) => client.without?.[protocol]?.includes(name) !== true),
    ),
  });
  const line = stdout.trim().split("\n").at(-1) ?? "";
  if (!line.startsWith("{")) throw new Error(`${client.name} printed no answer: ${stdout}\n${stderr}`);
  const answer = JSON.parse(line) as Answer;
  if (answer.token === undefined) {
    if (process.env["LANYARD_SHOW_CLIENTS"] === "1")
      process.stderr.write(`${protocol}, ${question}: ${answer.error}: ${answer.message}\n`);
    return answer.error ?? "no answer";
  }
  const wanted = workload || ["client id", "object id", "resource id"].includes(question) ? worker.principalId : system;
  // A token of another identity than the one asked for is never an outcome to be recorded.
  expect(decodeJwt(answer.token), `${client.name}, ${protocol}, ${question}`).toMatchObject({
    oid: wanted,
    aud: scope.replace("/.default", ""),
  });
  return "token";
};

const asked = (client: Client, protocol: IdentityProtocol): readonly Question[] =>
  protocol === "workload"
    ? ["system-assigned", "unknown client id", "default chain"]
    : questions.filter((question) => client.cannot?.includes(question) !== true);

/** The tests of a client: one per protocol. */
export const testClient = (client: Client): void => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld();
  });
  afterAll(async () => {
    expect(world.tenant.failures).toEqual([]);
    await world[Symbol.asyncDispose]();
  });
  it.each(client.protocols)("gets tokens by %s", async (protocol) => {
    const found: Record<string, string> = {};
    for (const question of asked(client, protocol)) found[question] = await ask(world, client, protocol, question);
    if (!recording) {
      expect(found).toEqual(readResults()[client.name]?.protocols[protocol]);
      return;
    }
    const results = readResults();
    const own = results[client.name] ?? { version: client.version, protocols: {} };
    results[client.name] = { version: client.version, protocols: { ...own.protocols, [protocol]: found } };
    writeFileSync(file, `${JSON.stringify(results, undefined, 2)}\n`);
  });
};
