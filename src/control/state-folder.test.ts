import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { locate, type Machine, prepare, projectFolder, runtimeBase } from "./state-folder.ts";

let folder: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "lanyard-place-")));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const uid = process.getuid?.() ?? 0;
const machine = (change: Partial<Machine> = {}): Machine => ({
  cwd: join(folder, "project"),
  env: { XDG_STATE_HOME: join(folder, "states"), XDG_RUNTIME_DIR: folder },
  platform: "linux",
  home: join(folder, "home"),
  uid,
  ...change,
});
const mode = (path: string): number => statSync(path).mode & 0o777;

describe("the place of a tenant", () => {
  it("is one per project, outside of it, and the same from every folder below", () => {
    const project = join(folder, "project");
    mkdirSync(join(project, "src", "deep"), { recursive: true });
    writeFileSync(join(project, "package.json"), "{}");
    const top = locate(machine());
    expect(locate(machine({ cwd: join(project, "src", "deep") }))).toEqual(top);
    expect(top.state).toMatch(/\/states\/lanyard\/project-[0-9a-f]{12}$/);
    expect(top.socket.length).toBeLessThan(104);
    mkdirSync(join(folder, "elsewhere", "project"), { recursive: true });
    expect(locate(machine({ cwd: join(folder, "elsewhere", "project") })).state).not.toBe(top.state);
  });

  it("takes the repository for the project, and never the home folder", () => {
    const home = join(folder, "home");
    mkdirSync(join(home, "repo", ".git"), { recursive: true });
    mkdirSync(join(home, "repo", "packages", "web"), { recursive: true });
    mkdirSync(join(home, "loose"));
    writeFileSync(join(home, "package.json"), "{}");
    writeFileSync(join(home, "repo", "packages", "web", "package.json"), "{}");
    expect(projectFolder(join(home, "repo", "packages", "web"), home)).toBe(join(home, "repo"));
    expect(projectFolder(join(home, "loose"), home)).toBe(join(home, "loose"));
  });

  it("is the same for two spellings of a state folder", () => {
    mkdirSync(join(folder, "real"));
    symlinkSync(join(folder, "real"), join(folder, "link"));
    expect(locate(machine(), join(folder, "link", "s"))).toEqual(locate(machine(), join(folder, "real", "s")));
  });

  it("uses a runtime folder only when it is the user's and short enough for a socket", () => {
    expect(runtimeBase(machine())).toBe(join(folder, "lanyard"));
    expect(runtimeBase(machine({ env: { XDG_RUNTIME_DIR: join(folder, "missing") } }))).toBe(`/tmp/lanyard-${uid}`);
    const long = join(folder, "x".repeat(100));
    mkdirSync(long);
    expect(runtimeBase(machine({ env: { XDG_RUNTIME_DIR: long } }))).toBe(`/tmp/lanyard-${uid}`);
  });
});

describe("preparing the folders", () => {
  it("creates them closed to others, and closes what stood open", () => {
    const place = locate(machine());
    prepare(place, uid);
    expect([mode(place.state), mode(place.runtime)]).toEqual([0o700, 0o700]);
    chmodSync(place.state, 0o755);
    chmodSync(place.runtime, 0o777);
    prepare(place, uid);
    expect([mode(place.state), mode(place.runtime)]).toEqual([0o700, 0o700]);
  });

  it("leaves passage for the database's own user, when root made it", () => {
    const place = locate(machine());
    prepare(place, uid);
    chmodSync(place.state, 0o711);
    prepare(place, uid);
    expect(mode(place.state)).toBe(0o711);
  });

  it("refuses a folder with other files, and leaves its mode alone", () => {
    const state = join(folder, "photos");
    mkdirSync(state, { mode: 0o755 });
    chmodSync(state, 0o755);
    writeFileSync(join(state, "a.png"), "");
    expect(() => prepare(locate(machine(), state), uid)).toThrow("not Lanyard's");
    expect(mode(state)).toBe(0o755);
    expect(existsSync(join(state, "lanyard.json"))).toBe(false);
  });

  it("refuses a runtime folder that is somebody else's, and a link in its place", () => {
    const place = locate(machine());
    expect(() => prepare(place, uid + 1)).toThrow("not a folder of yours");
    mkdirSync(join(folder, "trap"));
    symlinkSync(join(folder, "trap"), join(folder, "lanyard"));
    expect(() => prepare(place, uid)).toThrow("not a folder of yours");
  });
});
