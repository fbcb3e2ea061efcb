import { describe, expect, test } from "vitest";
import { type Instance, type Timers, superviseApp } from "./supervisor.ts";

/** A clock that moves only when told to. */
const manualTimers = () => {
  let now = 0;
  let waiting: { readonly at: number; readonly run: () => void }[] = [];
  const timers: Timers = {
    now: () => now,
    after: (ms, run) => {
      const entry = { at: now + ms, run };
      waiting.push(entry);
      return () => {
        waiting = waiting.filter((each) => each !== entry);
      };
    },
  };
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  const advance = async (ms: number) => {
    now += ms;
    const due = waiting.filter(({ at }) => at <= now);
    waiting = waiting.filter(({ at }) => at > now);
    for (const { run } of due) run();
    await settle();
  };
  return { timers, advance, settle };
};

/** Launches that the test decides about. */
const scene = () => {
  const clock = manualTimers();
  const launches: {
    readonly ready: (port: number) => void;
    readonly end: (reason: string) => void;
    stopped: boolean;
  }[] = [];
  const said: string[] = [];
  const launch = async (): Promise<Instance> => {
    const ready = Promise.withResolvers<number>();
    const ended = Promise.withResolvers<string>();
    const entry = { ready: ready.resolve, end: ended.resolve, stopped: false };
    launches.push(entry);
    return {
      ready: ready.promise,
      ended: ended.promise,
      stop: async () => {
        entry.stopped = true;
        ended.resolve("signal: SIGTERM");
      },
    };
  };
  const app = superviseApp({ name: "shop", launch, say: (text) => void said.push(text), timers: clock.timers });
  return { ...clock, app, launches, said };
};

describe("a supervised app", () => {
  test("is running once it answers", async () => {
    const { app, launches, settle } = scene();
    app.start();
    await settle();
    expect(app.state().phase).toBe("starting");
    const port = app.port();
    launches[0]?.ready(4242);
    expect(await port).toBe(4242);
    expect(app.state()).toMatchObject({ phase: "running", port: 4242 });
  });

  test("that fails to start is tried again after 1, 3 and 10 s, then blocked for 1, 2, 4 ... minutes", async () => {
    const { app, launches, advance, settle, said } = scene();
    app.start();
    await settle();
    const delays: number[] = [];
    for (let at = 0; at < 9; at += 1) {
      launches[at]?.end("exit code: 3");
      await settle();
      await settle();
      const { phase, until = 0 } = app.state();
      expect(phase).toBe(at < 3 ? "waiting" : "blocked");
      const delay = until - delays.reduce((sum, each) => sum + each, 0);
      delays.push(delay);
      await advance(delay - 1);
      expect(launches).toHaveLength(at + 1);
      await advance(1);
      expect(launches).toHaveLength(at + 2);
    }
    expect(delays).toEqual([1, 3, 10, 60, 120, 240, 480, 600, 600].map((seconds) => seconds * 1000));
    expect(said.some((text) => text.startsWith("Site: shop will be blocked for 1 minutes till "))).toBe(true);
    expect(app.state()).toMatchObject({ failures: 9, lastError: "exit code: 3" });
  });

  test("answers a waiting request at once when it gets blocked, and when it is stopped", async () => {
    const { app, launches, settle, advance } = scene();
    app.start();
    await settle();
    const port = app.port();
    for (const delay of [1000, 3000, 10_000, 0]) {
      launches.at(-1)?.end("exit code: 1");
      await settle();
      await settle();
      if (delay > 0) await advance(delay);
    }
    expect(await port).toBeUndefined();
    await app.restart();
    await settle();
    const second = app.port();
    await app.stop();
    expect(await second).toBeUndefined();
  });

  test("that crashes after a minute of good running is started at once, with no failure on its record", async () => {
    const { app, launches, settle, advance } = scene();
    app.start();
    await settle();
    launches[0]?.ready(1);
    await settle();
    await advance(60_000);
    launches[0]?.end("signal: SIGSEGV");
    await settle();
    expect(launches).toHaveLength(2);
    expect(app.state()).toMatchObject({ phase: "starting", failures: 0 });
  });

  test("that crashes right after each good start is still slowed down", async () => {
    const { app, launches, settle, advance } = scene();
    app.start();
    for (const delay of [1000, 3000, 10_000, 60_000]) {
      await settle();
      launches.at(-1)?.ready(1);
      await settle();
      launches.at(-1)?.end("exit code: 1");
      await settle();
      expect((app.state().until ?? 0) > 0).toBe(true);
      await advance(delay);
    }
    expect(launches).toHaveLength(5);
  });

  test("that is stopped while its launch is under way stops what was launched", async () => {
    const { app, launches } = scene();
    app.start();
    await app.stop();
    expect(launches[0]?.stopped).toBe(true);
    expect(app.state()).toEqual({ phase: "stopped", failures: 0 });
  });

  test("is not started by an old timer after it was stopped", async () => {
    const { app, launches, settle, advance } = scene();
    app.start();
    await settle();
    launches[0]?.end("exit code: 1");
    await settle();
    await settle();
    await app.stop();
    await advance(3_600_000);
    expect(launches).toHaveLength(1);
  });
});
