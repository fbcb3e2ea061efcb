/** `lanyard clock`: from the command line into a running tenant, and over its restart. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openSandbox, type Sandbox } from "./support.ts";

interface View {
  readonly now: string;
  readonly wall: string;
  readonly offset: number;
  readonly frozen: boolean;
}

describe("lanyard clock", () => {
  let box: Sandbox;
  beforeAll(async () => {
    box = openSandbox();
    expect((await box.lanyard("up", "-d", "--port", "0")).code).toBe(0);
  });
  afterAll(() => box.close());

  const clock = async (...args: string[]): Promise<View> => {
    const { code, out, err } = await box.lanyard("clock", "--json", ...args);
    expect(err).toBe("");
    expect(code).toBe(0);
    return JSON.parse(out) as View;
  };

  it("shows, advances, freezes, sets and resets", async () => {
    expect(Math.abs((await clock()).offset)).toBeLessThan(50);
    expect((await clock("advance", "25h")).offset).toBeGreaterThan(24.9 * 3_600_000);
    expect((await clock("freeze")).frozen).toBe(true);
    expect(await clock("set", "2030-01-31T12:00:00Z")).toMatchObject({ now: "2030-01-31T12:00:00.000Z", frozen: true });
    expect((await clock("show")).now).toBe("2030-01-31T12:00:00.000Z");
  });

  it("keeps the time over a restart", async () => {
    expect((await box.lanyard("down")).code).toBe(0);
    expect((await box.lanyard("up", "-d", "--port", "0")).code).toBe(0);
    expect((await clock()).now).toBe("2030-01-31T12:00:00.000Z");
    expect((await box.lanyard("status")).out).toContain("stands still at 2030-01-31T12:00:00.000Z");
    const { out } = await box.lanyard("clock", "reset");
    expect(out).toContain("the machine's time");
    expect((await box.lanyard("status")).out).not.toContain("clock");
  });

  it("says what it cannot read", async () => {
    for (const args of [
      ["advance"],
      ["advance", "25"],
      ["set", "soon"],
      ["set", "1999-01-01"],
      ["backwards"],
      ["show", "1"],
    ]) {
      const { code, err } = await box.lanyard("clock", ...args);
      expect(code).not.toBe(0);
      expect(err).toMatch(/^lanyard: /);
    }
  });
});
