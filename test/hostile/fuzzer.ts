/**
 * Malformed requests by the thousand, over real connections, against the endpoints that hand out or keep secrets (token,
 * identity and vault) and against Cosmos DB. A seed repeats a run.
 */
import { Agent as PlainAgent, request as plainRequest } from "node:http";
import { Agent, request as tlsRequest } from "node:https";
import * as fc from "fast-check";
import { bent, composed } from "./fuzz-requests.ts";
import { openFuzzWorld, type Shot } from "./fuzz-world.ts";

export interface FuzzReport {
  readonly sent: number;
  /** Answers by status; 0: the connection was closed without one. */
  readonly statuses: Readonly<Record<string, number>>;
  /** What must not be: 5xx other than 501, secrets in refusals or records, failures of Lanyard itself. */
  readonly findings: readonly string[];
}

/** Sends `count` malformed requests, `width` at a time. */
export const fuzz = async (options: {
  readonly count: number;
  readonly seed: number;
  readonly width?: number;
  readonly onProgress?: (sent: number) => void;
}): Promise<FuzzReport> => {
  const { count, seed, width = 16 } = options;
  const { tenant, targets, port, ca, secrets } = await openFuzzWorld();
  const tls = new Agent({ keepAlive: true, maxSockets: width });
  const plain = new PlainAgent({ keepAlive: true, maxSockets: width });
  const statuses: Record<string, number> = {};
  const findings: string[] = [];
  const note = (finding: string): void => void (findings.length < 20 && findings.push(finding));

  const fire = (shot: Shot): Promise<void> =>
    new Promise((resolve) => {
      const secure = /[a-z]/.test(shot.host);
      const done = (status: number, text: string): void => {
        statuses[status] = (statuses[status] ?? 0) + 1;
        const what = `${shot.method} ${shot.host}${shot.path.slice(0, 300)} ${JSON.stringify(shot.body ?? "").slice(0, 300)}`;
        if (status >= 500 && status !== 501) note(`${status} for ${what}: ${text.slice(0, 300)}`);
        if (status >= 400 && secrets.some((secret) => text.includes(secret)))
          note(`a secret in the refusal of ${what}`);
        resolve();
      };
      try {
        const outgoing = (secure ? tlsRequest : plainRequest)(
          {
            host: "127.0.0.1",
            port,
            ...(secure ? { servername: shot.host, ca } : {}),
            agent: secure ? tls : plain,
            method: shot.method,
            path: shot.path,
            headers: {
              ...shot.headers,
              ...(shot.host === "127.0.0.1" ? {} : { host: shot.host }),
              ...(shot.body === undefined ? {} : { "content-length": Buffer.byteLength(shot.body) }),
            },
          },
          (response) => {
            let text = "";
            response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
            response.once("end", () => done(response.statusCode ?? 0, text)).once("error", () => done(0, ""));
          },
        );
        outgoing.setTimeout(20_000, () => {
          note(`no answer within 20 s to ${shot.method} ${shot.host}${shot.path.slice(0, 300)}`);
          outgoing.destroy();
        });
        outgoing.once("error", () => done(0, ""));
        outgoing.end(shot.body);
      } catch {
        // Node's own client would not send it.
        done(-1, "");
      }
    });

  try {
    const arbitrary = fc.oneof(...targets.flatMap((target) => [bent(target), composed(target)]));
    let sent = 0;
    for (let batch = 0; sent < count; batch++) {
      const shots = fc.sample(arbitrary, { numRuns: Math.min(1000, count - sent), seed: seed + batch });
      let next = 0;
      await Promise.all(
        Array.from({ length: width }, async () => {
          for (let shot = shots[next++]; shot !== undefined; shot = shots[next++]) await fire(shot);
        }),
      );
      sent += shots.length;
      const recorded = JSON.stringify(tenant.decisions);
      for (const secret of secrets) if (recorded.includes(secret)) note("a secret in the record of decisions");
      tenant.decisions.length = 0;
      options.onProgress?.(sent);
    }
    for (const target of targets)
      for (const shot of target.good.slice(0, 1)) {
        const before = statuses["200"] ?? 0;
        await fire(shot);
        if ((statuses["200"] ?? 0) !== before + 1) note(`${target.name} no longer answers a good request`);
      }
    for (const failure of tenant.failures)
      note(`a failure of Lanyard itself: ${failure instanceof Error ? (failure.stack ?? "") : String(failure)}`);
    return { sent, statuses, findings };
  } finally {
    tls.destroy();
    plain.destroy();
    await tenant.close();
  }
};
