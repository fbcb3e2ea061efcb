/** Runs the load client, and writes the requests that both sides of a pair are sent. */
import { join } from "node:path";
import type { Job, Result } from "./load.ts";
import { cleanEnvironment, node, run } from "./processes.ts";

export const load = async (job: Job): Promise<Result> =>
  JSON.parse(
    await run(node, [join(import.meta.dirname, "load.ts")], { env: cleanEnvironment(), input: JSON.stringify(job) }),
  ) as Result;

/** Eight characters that the client replaces by a number. */
export const counter = "{n}00000";
/** Eight characters that the client replaces by a number that never comes again in one job; in bodies that are texts. */
export const turn = "{r}00000";

export const head = (method: string, path: string, headers: Readonly<Record<string, string | number>>): string =>
  [`${method} ${path} HTTP/1.1`, ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`), "", ""].join(
    "\r\n",
  );

export const blobHost = (account: string): string => `${account}.blob.core.windows.net`;

/** What Microsoft's clients send with every request to Blob, in short. */
export const blobHeaders = (account: string, token: string): Record<string, string> => ({
  Host: blobHost(account),
  Authorization: `Bearer ${token}`,
  "x-ms-version": "2024-11-04",
  "User-Agent": "azsdk-js-azure-storage-blob/12.34.0 core-rest-pipeline/1.22.0 Node/24",
  "x-ms-client-request-id": "2f7c5d1e-4a7c-4c1b-9a61-6a3a4a1d0b11",
  Accept: "application/xml",
});
