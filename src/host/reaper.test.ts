import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { afterEach, describe, expect, test } from "vitest";
import { processesWith, temporaryApps, until } from "./host.test-support.ts";

const commandOf = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
};

const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number);

const folders: string[] = [];
afterEach(() => Promise.all(folders.splice(0).map((each) => rm(each, { recursive: true, force: true }))));

/** Starts a child in its group and, where apps have users of their own, one that leaves it. */
const appSource = (marker: string) => `
  const { spawn } = require("node:child_process");
  const loop = ["-c", "trap '' TERM; while :; do sleep 1; done", "${marker}"];
  spawn("sh", loop);
  ${process.getuid?.() === 0 ? 'spawn("sh", loop, { detached: true });' : ""}
  require("node:http").createServer((request, response) => response.end("ok")).listen(process.env.PORT);`;

/** A process of its own that hosts one app; it is killed by the test. */
const program = (apps: string, marker: string) => `
  import { Readable } from "node:stream";
  import { createLocalAppHost } from ${JSON.stringify(new URL("local-app-host.ts", import.meta.url).href)};
  import { configurationOf, deployFiles } from ${JSON.stringify(new URL("host.test-support.ts", import.meta.url).href)};
  const host = await createLocalAppHost({ directory: ${JSON.stringify(apps)} });
  await host.configure("shop", configurationOf("shop"));
  await deployFiles(host, "shop", [{ name: "server.js", content: ${JSON.stringify(appSource(marker))} }]);
  await host.start("shop");
  console.log(await host.ready("shop") ? "ready" : "failed");
`;

describe.skipIf(process.platform !== "linux")("when the process that hosts apps is killed with SIGKILL", () => {
  test.each([
    ["first run", false],
    ["second run", false],
    ["the reaper was killed before", true],
  ])("nothing of an app survives (%s)", async (_case, killReaper) => {
    const { state, apps } = temporaryApps();
    folders.push(state);
    const marker = `orphan-${process.pid}-${Date.now()}`;
    const parent = spawn(process.execPath, ["--input-type=module", "-e", program(apps, marker)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let output = "";
    parent.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
    const ofTheApp = () => processesWith(marker).filter((pid) => pid !== parent.pid);
    try {
      await until("the app answers", () => /ready|failed/.test(output) || parent.exitCode !== null, 20_000);
      expect(output).toContain("ready");
      await until("its children run", () => ofTheApp().length === (process.getuid?.() === 0 ? 2 : 1));
      if (killReaper) {
        const reapers = () => childrenOf(parent.pid ?? 0).filter((pid) => commandOf(pid).includes("forget-group"));
        const [reaper] = reapers();
        if (reaper === undefined) throw new Error("No reaper runs.");
        process.kill(reaper, "SIGKILL");
        await until("another reaper runs", () => reapers().some((pid) => pid !== reaper));
      }
    } finally {
      parent.kill("SIGKILL");
    }
    await until("all are gone", () => ofTheApp().length === 0, 5_000);
  });
});
