/**
 * One program per client, the unmodified SDK in gateway mode, as an app with a managed identity. What each saw stands in
 * results.json, and docs/reference/cosmos-clients.md is written from it. `LANYARD_RECORD_CLIENTS=1` writes it anew.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestTenant } from "../../../src/testing/start-tenant.ts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Behaviour, groups, type Sdk } from "./behaviours.ts";
import { app, openWorld } from "./world.ts";

export type Outcome = "works" | "differs" | "no such call";
export type Results = Partial<Record<Sdk, { readonly version: string; readonly outcomes: Record<string, Outcome> }>>;

const file = join(import.meta.dirname, "results.json");
const readResults = (): Results => JSON.parse(readFileSync(file, "utf8")) as Results;
const recording = process.env["LANYARD_RECORD_CLIENTS"] === "1";

export interface Client {
  readonly sdk: Sdk;
  readonly version: string;
  readonly command: readonly [string, ...string[]];
}

/** One line of a program's output. */
interface Line {
  readonly name: string;
  readonly saw?: unknown;
  readonly error?: string;
}

const behaviours = groups.flatMap((group) => group.behaviours);

const inOrder = (value: unknown, { anyOrder }: Behaviour): unknown =>
  anyOrder === true && Array.isArray(value)
    ? value.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
    : value;

/** The tests of a client: one per behaviour. */
export const testCosmosClient = ({ sdk, version, command }: Client): void => {
  let tenant: TestTenant;
  const lines = new Map<string, Line>();
  const outcomes: Record<string, Outcome> = {};

  /** Host, path and status of each request, without the `/` that Python puts at its end. */
  const requests = () =>
    tenant.decisions.map(({ host, path, status }) => `${host}${path.replace(/\/$/, "")} ${status}`);

  beforeAll(async () => {
    const world = await openWorld();
    ({ tenant } = world);
    const [program, ...args] = command;
    const { stdout, stderr } = await tenant.run(program, args, {
      as: app,
      input: JSON.stringify(world.question),
      timeout: 120_000,
    });
    if (process.env["LANYARD_SHOW_CLIENTS"] === "1") process.stderr.write(`${stdout}\n${stderr}\n`);
    for (const text of stdout.split("\n"))
      if (text.startsWith('{"name"')) {
        const line = JSON.parse(text) as Line;
        lines.set(line.name, line);
      }
    if (lines.size === 0) throw new Error(`${sdk} printed nothing: ${stdout}\n${stderr}`);
  });
  afterAll(async () => {
    await tenant.close();
    if (!recording) return;
    const results = { ...readResults(), [sdk]: { version, outcomes } };
    writeFileSync(file, `${JSON.stringify(results, undefined, 2)}\n`);
  });

  describe.each(groups)("$title", (group) => {
    it.each(group.behaviours)("$name", (behaviour) => {
      const { name, none, differs, request } = behaviour;
      const line = lines.get(name);
      if (none?.[sdk] !== undefined) {
        expect(line, `${name} stands in the program, so the SDK has it`).toBeUndefined();
        outcomes[name] = "no such call";
      } else {
        expect(line, `the program does not know "${name}"`).toBeDefined();
        expect(line?.error, name).toBeUndefined();
        const expected = differs?.[sdk] ?? behaviour;
        expect(inOrder(line?.saw, behaviour), name).toEqual(inOrder(expected.seen, behaviour));
        if (request !== undefined) expect(requests()).toContain(request);
        outcomes[name] = differs?.[sdk] === undefined ? "works" : "differs";
      }
      if (!recording) expect(readResults()[sdk]?.outcomes[name], "as recorded").toBe(outcomes[name]);
    });
  });

  it("saw nothing that is not in the list, and left no failure of ours behind", () => {
    const known = new Set(behaviours.map(({ name }) => name));
    expect([...lines.keys()].filter((name) => !known.has(name))).toEqual([]);
    expect(tenant.failures).toEqual([]);
    if (!recording) expect(readResults()[sdk]?.version).toBe(version);
  });
};
