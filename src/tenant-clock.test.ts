import { describe, expect, it } from "vitest";
import { durationOf, instantOf } from "./control/clock.ts";
import { openMemoryStore } from "./store/memory.ts";
import { openTenantClock } from "./tenant-clock.ts";

const start = Date.UTC(2030, 0, 1);
const hour = 3_600_000;

const make = async () => {
  let base = start;
  const machine = { now: () => base, wall: () => base };
  const store = openMemoryStore();
  return { store, machine, pass: (time: number) => (base += time), clock: await openTenantClock(store, machine) };
};

describe("a tenant's clock", () => {
  it("runs with the machine's until it is moved, and goes on from there", async () => {
    const { clock, pass } = await make();
    expect(clock.now()).toBe(start);
    await clock.change({ kind: "advance", by: 25 * hour });
    pass(1000);
    expect(clock.now()).toBe(start + 25 * hour + 1000);
    expect(clock.wall()).toBe(start + 1000);
    await clock.change({ kind: "set", to: start - hour });
    pass(5);
    expect(clock.now()).toBe(start - hour + 5);
  });

  it("stands still when frozen, can be moved then, and resumes from where it stands", async () => {
    const { clock, pass } = await make();
    await clock.change({ kind: "freeze" });
    pass(hour);
    expect(clock.now()).toBe(start);
    await clock.change({ kind: "advance", by: 5 });
    pass(hour);
    expect(clock.now()).toBe(start + 5);
    await clock.change({ kind: "resume" });
    pass(10);
    expect(clock.now()).toBe(start + 15);
    await clock.change({ kind: "reset" });
    expect(clock.now()).toBe(clock.wall());
  });

  it("keeps its offset over a restart, and applies changes in order", async () => {
    const { clock, store, machine } = await make();
    const moves = [1, 2, 3].map(() => clock.change({ kind: "advance", by: hour }));
    await Promise.all(moves);
    expect(clock.now()).toBe(start + 3 * hour);
    const reopened = await openTenantClock(store, machine);
    expect(reopened.now()).toBe(start + 3 * hour);
  });

  it("shows a change only when it is on disk, and stays as it was when it cannot be kept", async () => {
    const { store, machine } = await make();
    const broken = {
      ...store,
      collection: <T>(spec: Parameters<typeof store.collection<T>>[0]) => ({
        ...store.collection(spec),
        put: () => Promise.reject(new Error("disk full")),
      }),
    };
    const clock = await openTenantClock(broken, machine);
    await expect(clock.change({ kind: "advance", by: hour })).rejects.toThrow("disk full");
    expect(clock.now()).toBe(start);
  });
});

describe("durations and times on a command line", () => {
  it("are read with their units, and refused without", () => {
    expect(durationOf("25h")).toBe(25 * hour);
    expect(durationOf("1d12h30m5s7ms")).toBe(36 * hour + 1_805_007);
    expect(durationOf("1.5h")).toBe(1.5 * hour);
    for (const wrong of ["", "25", "h", "-1h", "1h x", "1w", "1h,2m"])
      expect(() => durationOf(wrong)).toThrow("duration");
  });

  it("are UTC unless they say otherwise", () => {
    expect(instantOf("2030-01-31")).toBe(Date.UTC(2030, 0, 31));
    expect(instantOf("2030-01-31T12:00")).toBe(Date.UTC(2030, 0, 31, 12));
    expect(instantOf("2030-01-31T12:00:00+02:00")).toBe(Date.UTC(2030, 0, 31, 10));
    for (const wrong of ["", "tomorrow", "2030", "2030-13-01", "1735689600"])
      expect(() => instantOf(wrong)).toThrow("time");
  });
});
