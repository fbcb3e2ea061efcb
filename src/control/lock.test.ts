import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { acquire, holderOf, runningTenants } from "./lock.ts";
import { processFacts } from "./processes.ts";
import { locate, type Place, prepare, thisMachine } from "./state-folder.ts";

let folder: string;
let place: Place;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lanyard-lock-"));
  const machine = { ...thisMachine(), env: { XDG_RUNTIME_DIR: folder } };
  place = locate(machine, join(folder, "state"));
  prepare(place, machine.uid);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const file = (): string => join(place.state, "tenant.lock");
const holder = (pid: number, started: string): string =>
  JSON.stringify({ pid, started, command: "lanyard up", state: place.state, socket: place.socket });

describe("the lock of a state folder", () => {
  it("says who has it and, once ready, on which port; nobody else can read it", () => {
    const lock = acquire(place);
    expect(holderOf(place)).toMatchObject({ pid: process.pid, state: place.state });
    expect(holderOf(place)?.port).toBeUndefined();
    lock.announce(4280);
    expect(holderOf(place)?.port).toBe(4280);
    expect(runningTenants(place).map(({ port }) => port)).toEqual([4280]);
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    lock.release();
    expect(holderOf(place)).toBeUndefined();
    expect(runningTenants(place)).toEqual([]);
  });

  it("is refused to a second one, with a message that names the first and the ways on", () => {
    const lock = acquire(place);
    expect(() => acquire(place)).toThrow(`process ${process.pid}`);
    lock.release();
    acquire(place).release();
  });

  it("is taken over from a process that is gone", async () => {
    const child = spawn("true");
    await new Promise((resolve) => child.once("exit", resolve));
    writeFileSync(file(), holder(child.pid ?? 0, "whenever"));
    acquire(place).release();
  });

  it("is taken over from a process whose number another one has now", () => {
    writeFileSync(file(), holder(process.pid, "another boot/1"));
    expect(holderOf(place)).toBeUndefined();
    const lock = acquire(place);
    expect(holderOf(place)?.started).toBe(processFacts(process.pid)?.started);
    lock.release();
  });

  it("is taken over when the file is damaged", () => {
    writeFileSync(file(), "{");
    acquire(place).release();
  });

  it("is not removed by one that has lost it", () => {
    const lock = acquire(place);
    writeFileSync(file(), holder(1, processFacts(1)?.started ?? ""));
    lock.release();
    expect(JSON.parse(readFileSync(file(), "utf8"))).toMatchObject({ pid: 1 });
  });
});
