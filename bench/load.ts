/**
 * The load client, a process of its own: raw sockets with keep-alive, requests built before the clock starts, and a
 * parser that looks for the end of a response and no more. It reads one job from standard input and prints one result.
 *
 *   echo '{"port":...}' | node load.ts
 */
import { connect as connectTcp, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { connect as connectTls } from "node:tls";

export interface Job {
  readonly port: number;
  /** SNI and trust; absent: plain HTTP. */
  readonly tls?: { readonly servername: string; readonly ca: string };
  readonly connections: number;
  /** Head of a request with its final empty line. `{n}00000` stands for eight digits that count up. */
  readonly head: string;
  /**
   * Body behind the head: a number of bytes, or a text in which `{n}00000` stands for the same number and `{r}00000` for
   * one that never comes again, so that a document that is written again is another one.
   */
  readonly body?: number | string;
  /** First number; each connection goes on by the number of connections. */
  readonly from?: number;
  /** Numbers begin again after this many. */
  readonly modulus?: number;
  /** Either a time with a warm-up before it, or a number of requests. */
  readonly seconds?: number;
  readonly warm?: number;
  readonly requests?: number;
  readonly expect: number;
  /** The server closes each connection after its answer: another one for each request, TLS sessions resumed. */
  readonly reconnect?: boolean;
}

export interface Result {
  readonly requests: number;
  readonly seconds: number;
  readonly perSecond: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly cpuSeconds: number;
}

const headEnd = Buffer.from("\r\n\r\n");

const open = (job: Job, session?: Buffer): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const place = { host: "127.0.0.1", port: job.port };
    const resumed = session === undefined ? {} : { session };
    const socket =
      job.tls === undefined
        ? connectTcp(place, () => resolve(socket))
        : connectTls({ ...place, ...job.tls, ...resumed, ALPNProtocols: ["http/1.1"] }, () => resolve(socket));
    socket.setNoDelay(true);
    socket.once("error", reject);
  });

/** Length of the response at the start of `data` in bytes, or undefined while its end is not known. */
const responseLength = (data: Buffer, expect: number): { total: number } | undefined => {
  const end = data.indexOf(headEnd);
  if (end < 0) return undefined;
  const head = data.toString("latin1", 0, end);
  const status = Number(head.slice(9, 12));
  if (status !== expect) throw new Error(`Expected ${expect}: ${data.toString("latin1", 0, 1500)}`);
  if (status === 204 || status === 304) return { total: end + 4 };
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (length !== undefined) return { total: end + 4 + Number(length) };
  // Chunked: the last chunk ends the response; nothing is pipelined behind it.
  const last = data.length >= 5 && data.toString("latin1", data.length - 5) === "0\r\n\r\n";
  return last ? { total: data.length } : { total: Number.POSITIVE_INFINITY };
};

/** Where eight characters that a number replaces stand in a request. */
const placesOf = (request: Buffer, mark: string): readonly number[] => {
  const places: number[] = [];
  for (let at = request.indexOf(mark); at >= 0; at = request.indexOf(mark, at + 1)) places.push(at);
  return places;
};

/** Sends a job's requests over one connection, or one after the other over a new one each. */
const drive = (job: Job, connected: Socket, request: Buffer, first: number, goOn: (n: number, ms: number) => boolean) =>
  new Promise<void>((resolve, reject) => {
    const [names, turns] = ["{n}00000", "{r}00000"].map((mark) => placesOf(request, mark)) as [number[], number[]];
    let n = first;
    let sent = 0;
    let parts: Buffer[] = [];
    let [received, wanted] = [0, 0];
    let session: Buffer | undefined;
    const send = (socket: Socket): void => {
      const name = String((job.from ?? 0) + (n % (job.modulus ?? 100_000_000))).padStart(8, "0");
      for (const at of names) request.write(name, at, "latin1");
      for (const at of turns) request.write(String(n).padStart(8, "0"), at, "latin1");
      // One block per TLS record's worth: a single huge write would be copied whole.
      socket.write(request);
    };
    const leave = (socket: Socket): void => {
      socket.removeAllListeners("close");
      socket.destroy();
    };
    const next = (socket: Socket): void => {
      n += job.connections;
      if (!goOn(n, performance.now() - sent)) {
        leave(socket);
        resolve();
        return;
      }
      sent = performance.now();
      if (job.reconnect !== true) {
        send(socket);
        return;
      }
      leave(socket);
      open(job, session).then((opened) => {
        watch(opened);
        send(opened);
      }, reject);
    };
    const watch = (socket: Socket): void => {
      socket.on("error", reject);
      socket.on("session", (given: Buffer) => (session = given));
      socket.on("close", () => reject(new Error("The server closed the connection.")));
      socket.on("data", (chunk: Buffer) => {
        received += chunk.length;
        if (wanted === 0 || wanted === Number.POSITIVE_INFINITY) {
          parts.push(chunk);
          const data = parts.length === 1 ? chunk : Buffer.concat(parts);
          parts = [data];
          try {
            wanted = responseLength(data, job.expect)?.total ?? 0;
          } catch (error) {
            reject(error instanceof Error ? error : new Error(String(error)));
            socket.destroy();
            return;
          }
        }
        if (wanted === 0 || received < wanted) return;
        parts = [];
        [received, wanted] = [0, 0];
        next(socket);
      });
    };
    watch(connected);
    sent = performance.now();
    send(connected);
  });

const main = async (): Promise<void> => {
  const job = JSON.parse(await text(process.stdin)) as Job;
  const sockets = await Promise.all(Array.from({ length: job.connections }, () => open(job)));
  const latencies: number[] = [];
  let began = performance.now() + (job.warm ?? 0) * 1000;
  let cpu = process.cpuUsage();
  let warming = job.seconds !== undefined;
  const end = began + (job.seconds ?? Number.POSITIVE_INFINITY) * 1000;
  let last = began;
  const goOn = (n: number, milliseconds: number): boolean => {
    last = performance.now();
    if (warming && last >= began) {
      warming = false;
      began = last;
      cpu = process.cpuUsage();
    } else if (!warming) latencies.push(milliseconds);
    return job.requests === undefined ? last < end : n < job.requests;
  };
  await Promise.all(
    sockets.map((socket, index) => {
      const { head, body = 0 } = job;
      const content = typeof body === "string" ? Buffer.from(body, "latin1") : Buffer.alloc(body, 120);
      return drive(job, socket, Buffer.concat([Buffer.from(head, "latin1"), content]), index, goOn);
    }),
  );
  const { user, system } = process.cpuUsage(cpu);
  const sorted = Float64Array.from(latencies).toSorted();
  const seconds = (last - began) / 1000;
  const result: Result = {
    requests: latencies.length,
    seconds,
    perSecond: latencies.length / seconds,
    p50: sorted[Math.floor(sorted.length * 0.5)] ?? 0,
    p99: sorted[Math.floor(sorted.length * 0.99)] ?? 0,
    cpuSeconds: (user + system) / 1e6,
  };
  process.stdout.write(JSON.stringify(result));
};

if (import.meta.main) await main();
