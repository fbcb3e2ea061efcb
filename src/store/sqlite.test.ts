import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { storeContract } from "./contract.test-support.ts";
import { openSqliteStore } from "./sqlite/store.ts";

const directory = mkdtempSync(join(tmpdir(), "lanyard-store-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

storeContract("SQLite", async () => openSqliteStore({ directory, key: Buffer.alloc(32, 7) }));
