/** Sixteen writers that go on until the tenant dies under them. */
import { randomBytes, randomInt, randomUUID } from "node:crypto";
import type { WireAnswer } from "../support/wire.ts";
import { type Access, hash, names } from "./access.ts";
import { absent, chosen, type Ledger } from "./ledger.ts";

/** A writer ends by an error of its connection. Any answer that is no success is a fault of the tenant. */
export class Unexpected extends Error {}

const expectStatus = (answer: WireAnswer, ...statuses: number[]): void => {
  if (!statuses.includes(answer.status)) throw new Unexpected(`${answer.status} ${answer.text.slice(0, 300)}`);
};

type Writer = (access: Access, ledger: Ledger, name: string) => Promise<void>;

const blob: Writer = async ({ blob: send }, ledger, name) => {
  for (let turn = 0; ; turn += 1) {
    // Some names are written again and again, so that a crash meets replacements.
    const file = `${name}-${turn % 4 === 0 ? "again" : turn}`;
    const key = `blob/${file}`;
    const path = `/${names.container}/${file}`;
    if (turn % 12 === 11) {
      const victim = `${name}-${turn - 1}`;
      ledger.begin(`blob/${victim}`, absent);
      expectStatus(await send({ method: "DELETE", path: `/${names.container}/${victim}` }), 202);
      ledger.acknowledge(`blob/${victim}`);
      continue;
    }
    const size = turn % 3 === 0 ? randomInt(100_000, 1_500_000) : randomInt(1, 8_000);
    const content = randomBytes(size);
    ledger.begin(key, hash(content));
    if (turn % 5 === 4) {
      const third = Math.ceil(size / 3);
      const parts = [0, 1, 2].map((index) => content.subarray(index * third, (index + 1) * third));
      const ids: string[] = [];
      for (const part of parts.filter(({ length }) => length > 0)) {
        const id = Buffer.from(`block-${ids.length}`).toString("base64");
        ids.push(id);
        const query = `comp=block&blockid=${encodeURIComponent(id)}`;
        expectStatus(await send({ method: "PUT", path: `${path}?${query}`, body: part }), 201);
      }
      const list = `<BlockList>${ids.map((id) => `<Latest>${id}</Latest>`).join("")}</BlockList>`;
      expectStatus(await send({ method: "PUT", path: `${path}?comp=blocklist`, body: list }), 201);
    } else
      expectStatus(await send({ method: "PUT", path, body: content, headers: { "x-ms-blob-type": "BlockBlob" } }), 201);
    ledger.acknowledge(key);
  }
};

const rows: Writer = async ({ connect }, ledger, name) => {
  const client = await connect();
  for (let turn = 0; ; turn += 1) {
    const id = `${name}-${turn}`;
    const content = randomBytes(randomInt(1, 4000)).toString("hex");
    const key = `row/${id}`;
    ledger.begin(key, hash(`${content}${content}`));
    await client.query("BEGIN");
    for (const half of [1, 2]) await client.query("INSERT INTO kept VALUES ($1, $2, $3)", [id, half, content]);
    await client.query("COMMIT");
    ledger.acknowledge(key);
  }
};

const groups: Writer = async ({ arm, subscription }, ledger, name) => {
  for (let turn = 0; ; turn += 1) {
    const key = `group/${name}`;
    const tag = randomUUID();
    ledger.begin(key, tag);
    const path = `/subscriptions/${subscription}/resourceGroups/${name}?api-version=2021-04-01`;
    expectStatus(await arm("PUT", path, { location: "eastus", tags: { tag } }), 200, 201);
    ledger.acknowledge(key);
  }
};

const identities: Writer = async ({ arm, subscription }, ledger, name) => {
  for (let turn = 0; ; turn += 1) {
    const key = `identity/${name}-${turn}`;
    const type = `/subscriptions/${subscription}/resourceGroups/${names.group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities`;
    const path = `${type}/${name}-${turn}?api-version=2023-01-31`;
    ledger.begin(key, chosen);
    const made = await arm("PUT", path, { location: "eastus" });
    expectStatus(made, 201);
    ledger.acknowledge(key, (JSON.parse(made.text) as { properties: { principalId: string } }).properties.principalId);
    if (turn % 3 !== 2) continue;
    ledger.begin(key, absent);
    expectStatus(await arm("DELETE", path), 200);
    ledger.acknowledge(key);
  }
};

const assignments: Writer = async ({ arm, subscription }, ledger) => {
  const scope = `/subscriptions/${subscription}/resourceGroups/${names.group}`;
  const role = `/subscriptions/${subscription}/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7`;
  for (let turn = 0; ; turn += 1) {
    const id = `${scope}/providers/Microsoft.Authorization/roleAssignments/${randomUUID()}`;
    const key = `assignment/${id}`;
    const properties = { roleDefinitionId: role, principalId: randomUUID(), principalType: "ServicePrincipal" };
    ledger.begin(key, "present");
    expectStatus(await arm("PUT", `${id}?api-version=2022-04-01`, { properties }), 201);
    ledger.acknowledge(key);
    if (turn % 2 !== 1) continue;
    ledger.begin(key, absent);
    expectStatus(await arm("DELETE", `${id}?api-version=2022-04-01`), 200);
    ledger.acknowledge(key);
  }
};

const kinds: readonly (readonly [name: string, writer: Writer, count: number])[] = [
  ["blobs", blob, 6],
  ["rows", rows, 5],
  ["groups", groups, 2],
  ["identities", identities, 2],
  ["assignments", assignments, 1],
];

/** Answers, PostgreSQL's included, that a crash does not explain. Broken connections it does. */
const isFault = (error: unknown): boolean => {
  if (error instanceof Unexpected) return true;
  const { severity, code } = error as { severity?: string; code?: string };
  return severity !== undefined && !code?.startsWith("57P");
};

/** @param round keeps names of rounds apart. @returns faults of the tenant, once all writers have ended */
export const startWriters = (access: Access, ledger: Ledger, round: number): Promise<readonly string[]> => {
  const running = kinds.flatMap(([name, writer, count]) =>
    Array.from({ length: count }, async (_, index): Promise<string[]> => {
      try {
        await writer(access, ledger, `r${round}-${name}-${index}`);
        return [];
      } catch (error) {
        return isFault(error) ? [`${name} ${index}: ${(error as Error).message}`] : [];
      }
    }),
  );
  return Promise.all(running).then((faults) => faults.flat());
};

/** What a key holds now. */
export const readKey = async (access: Access, key: string): Promise<string> => {
  const [kind = "", ...rest] = key.split("/");
  const name = rest.join("/");
  const subscription = `/subscriptions/${access.subscription}`;
  const document = async (path: string): Promise<Record<string, unknown> | undefined> => {
    const answer = await access.arm("GET", path);
    expectStatus(answer, 200, 404);
    return answer.status === 404 ? undefined : (JSON.parse(answer.text) as Record<string, unknown>);
  };
  switch (kind) {
    case "blob": {
      const answer = await access.blob({ path: `/${names.container}/${name}` });
      expectStatus(answer, 200, 404);
      return answer.status === 404 ? absent : hash(answer.bytes);
    }
    case "group": {
      const found = await document(`${subscription}/resourceGroups/${name}?api-version=2021-04-01`);
      return found === undefined ? absent : String((found["tags"] as Record<string, string>)["tag"]);
    }
    case "identity": {
      const type = "providers/Microsoft.ManagedIdentity/userAssignedIdentities";
      const path = `${subscription}/resourceGroups/${names.group}/${type}/${name}?api-version=2023-01-31`;
      const found = await document(path);
      return found === undefined ? absent : (found["properties"] as { principalId: string }).principalId;
    }
    case "assignment":
      return (await document(`${name}?api-version=2022-04-01`)) === undefined ? absent : "present";
    default:
      throw new Error(`Nothing reads ${key}.`);
  }
};
