import { setTimeout as sleep } from "node:timers/promises";
import type { TokenCredential } from "@azure/identity";
import { accessToken, ARM_SCOPE } from "./token.ts";
import type { AppPackage } from "./package-zip.ts";

/** A deployment as the site's SCM host (Kudu) reports it. status: 3 failed, 4 succeeded. */
interface Deployment {
  readonly id: string;
  readonly status: number;
  readonly message: string;
  readonly complete: boolean;
  readonly status_text?: string;
}

const FAILED = 3;
const SUCCEEDED = 4;
const BUILD_LIMIT_MS = 15 * 60_000;

/**
 * Uploads the package and waits for the build on the server. The content's hash goes into the deployment's message:
 * when the last successful deployment already has it, nothing is sent and the answer is "unchanged".
 * https://learn.microsoft.com/azure/app-service/deploy-zip
 */
export async function zipDeploy(
  credential: TokenCredential,
  scmHost: string,
  app: AppPackage,
  progress: (line: string) => void,
): Promise<"deployed" | "unchanged"> {
  const scm = async (path: string, init: RequestInit = {}): Promise<Response> => {
    const token = await accessToken(credential, ARM_SCOPE);
    const headers = { ...init.headers, Authorization: `Bearer ${token}` };
    return fetch(`https://${scmHost}${path}`, { ...init, headers });
  };

  const message = `key-vault-secret sha256:${app.hash}`;
  const before = await untilUp(() => latest(scm));
  if (before?.status === SUCCEEDED && before.message.trim() === message) return "unchanged";

  progress(`uploading ${app.files.length} files (${Math.ceil(app.zip.length / 1024)} KB)`);
  const query = new URLSearchParams({ isAsync: "true", deployer: "deploy.ts", message });
  const answer = await untilFree(() =>
    scm(`/api/zipdeploy?${query.toString()}`, {
      method: "POST",
      headers: { "Content-Type": "application/zip" },
      body: new Uint8Array(app.zip),
    }),
  );
  if (!answer.ok) throw new Error(`Zip deploy: ${answer.status} ${await answer.text()}`);

  const deadline = Date.now() + BUILD_LIMIT_MS;
  let shown = "";
  while (Date.now() < deadline) {
    const current = await latest(scm);
    if (current && current.id !== before?.id && current.complete) {
      if (current.status === SUCCEEDED) return "deployed";
      if (current.status === FAILED)
        throw new Error(`The build on the server failed:\n${await buildLog(scm, current.id)}`);
    }
    const text = current?.complete ? "" : (current?.status_text?.trim() ?? "");
    if (text !== "" && text !== shown) progress((shown = text));
    await sleep(1000);
  }
  throw new Error(`The build on ${scmHost} did not end within ${BUILD_LIMIT_MS / 60_000} minutes.`);
}

type Scm = (path: string, init?: RequestInit) => Promise<Response>;

async function latest(scm: Scm): Promise<Deployment | undefined> {
  const answer = await scm("/api/deployments/latest");
  if (answer.status === 404) return undefined;
  if (!answer.ok) throw new Error(`GET /api/deployments/latest: ${answer.status} ${await answer.text()}`);
  const body: unknown = await answer.json();
  return isDeployment(body) ? body : undefined;
}

function isDeployment(body: unknown): body is Deployment {
  return typeof body === "object" && body !== null && "id" in body && "status" in body && "message" in body;
}

interface LogEntry {
  readonly message?: string;
  readonly details_url?: string | null;
}

/** The lines of a failed build, the details of its steps included. */
async function buildLog(scm: Scm, id: string): Promise<string> {
  const entries = async (path: string): Promise<LogEntry[]> => {
    const answer = await scm(path);
    const body: unknown = answer.ok ? await answer.json() : [];
    return Array.isArray(body) ? body : [];
  };
  const lines: string[] = [];
  for (const entry of await entries(`/api/deployments/${id}/log`)) {
    lines.push(entry.message ?? "");
    if (!entry.details_url) continue;
    const details = await entries(new URL(entry.details_url).pathname);
    lines.push(...details.map((detail) => `  ${detail.message ?? ""}`));
  }
  return lines.join("\n");
}

/** The host of a site made a moment ago may not answer yet. */
async function untilUp<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt === 6) throw error;
      await sleep(500 * 2 ** attempt);
    }
  }
}

/** 409 while another deployment runs: wait for it, for at most five minutes. */
async function untilFree(send: () => Promise<Response>): Promise<Response> {
  for (let attempt = 1; ; attempt++) {
    const answer = await send();
    if (answer.status !== 409 || attempt === 60) return answer;
    await answer.body?.cancel();
    await sleep(5000);
  }
}
