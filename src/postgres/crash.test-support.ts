/** A process that runs an engine until it is killed: `node crash.test-support.ts <folder>`. Prints `port` when ready. */
import { join } from "node:path";
import { openPostgres } from "./postgres.ts";
import { createAuthority, tenantId, verify } from "./tenant.test-support.ts";

const folder = process.argv[2] ?? "";
const authority = await createAuthority();
const engine = await openPostgres({
  stateDirectory: join(folder, "state"),
  runtimeDirectory: join(folder, "run"),
  certificate: (host) => authority.certificate(host),
  verify,
  onDecision: () => {},
  directory: () => ({ tenantId, principals: [] }),
  ports: [],
});
const authConfig = { activeDirectoryAuth: "Enabled", passwordAuth: "Enabled" } as const;
await engine.createServer("pg1", {
  version: "17",
  authConfig,
  administratorLogin: "pgadmin",
  administratorLoginPassword: "P@ssw0rd-1",
});
await engine.start("pg1");
process.stdout.write(`${engine.port("pg1")}\n`);
