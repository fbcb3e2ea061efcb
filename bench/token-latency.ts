/**
 * Milliseconds of token requests that are sent at a steady rate, whether or not the earlier ones were answered. The job comes by
 * standard input, the result goes to standard output; both are JSON.
 */
import { Agent, request } from "node:https";
import { text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";

export interface LatencyJob {
  readonly port: number;
  readonly ca: string;
  readonly path: string;
  readonly form: string;
  readonly seconds: number;
  readonly perSecond: number;
}

export interface Latency {
  readonly requests: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** How late the client itself was at most: what the machine does to any process. */
  readonly late: number;
}

const host = "login.microsoftonline.com";

const main = async (): Promise<void> => {
  const job = JSON.parse(await text(process.stdin)) as LatencyJob;
  const agent = new Agent({ keepAlive: true, maxSockets: 4, ca: job.ca });
  const times: number[] = [];
  const send = (from: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const message = request(
        {
          agent,
          host: "127.0.0.1",
          port: job.port,
          servername: host,
          method: "POST",
          path: job.path,
          headers: {
            Host: host,
            "Content-Type": "application/x-www-form-urlencoded",
            "Content-Length": Buffer.byteLength(job.form),
          },
        },
        (response) => {
          response.resume().once("end", () => {
            times.push(performance.now() - from);
            if (response.statusCode === 200) resolve();
            else reject(new Error(`A token request was answered with ${response.statusCode}.`));
          });
        },
      );
      message.once("error", reject).end(job.form);
    });
  await send(performance.now());
  times.length = 0;
  const every = 1000 / job.perSecond;
  const began = performance.now();
  const sent: Promise<void>[] = [];
  let late = 0;
  for (let number = 0; number < job.seconds * job.perSecond; number += 1) {
    const due = began + number * every;
    const early = due - performance.now();
    if (early > 0) await delay(early);
    late = Math.max(late, performance.now() - due);
    // From when it was sent: how late the client is itself says nothing of the server, and it never waits for an answer.
    sent.push(send(performance.now()));
  }
  await Promise.all(sent);
  agent.destroy();
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  const result: Latency = { requests: sorted.length, p50: at(0.5), p99: at(0.99), max: at(1), late };
  process.stdout.write(JSON.stringify(result));
};

await main();
