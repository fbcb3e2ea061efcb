/**
 * The product's PostgreSQL front door (a worker thread, as in the tenant) before a socket, in a process of its own.
 *
 *   node front-door.ts PRODUCT CERTIFICATES SOCKET
 */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { openCertificates } from "../src/edge/certificates.ts";
import type { startFrontDoor } from "../src/postgres/front-door/thread.ts";

const [product = "", folder = "", socketPath = ""] = process.argv.slice(2);
const built = (path: string): string => pathToFileURL(join(product, "dist", path)).href;

const edge = (await import(built("edge/certificates.js"))) as { openCertificates: typeof openCertificates };
const postgres = (await import(built("postgres/front-door/thread.js"))) as { startFrontDoor: typeof startFrontDoor };

const { server } = await edge.openCertificates({ folder });
const refused = { ok: false, refusal: { code: "28000", message: "The benchmark logs in with a password." } } as const;
const door = await postgres.startFrontDoor(
  {
    certificate: () => Promise.resolve(server),
    begin: ({ user }) => Promise.resolve({ kind: "password", user, socketPath }),
    token: () => Promise.resolve(refused),
    outcome: () => undefined,
  },
  [0],
  () => process.exit(1),
);
console.log(`ready ${await door.add("bench", [])}`);
process.on("SIGTERM", () => process.exit());
