import { rm } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { AppHost } from "./app-host.ts";
import { configurationOf, deployFiles, requestFor, temporaryApps, textOf } from "./host.test-support.ts";
import { createLocalAppHost } from "./local-app-host.ts";
import { findRuntimes } from "./runtimes.ts";

const { found } = await findRuntimes("python", process.getuid?.() === 0 && process.platform === "linux");
const missing = found.length === 0;

let state: string;
let apps: string;
let host: AppHost;

beforeEach(async () => {
  ({ state, apps } = temporaryApps());
  host = await createLocalAppHost({ directory: apps, graceMs: 1000 });
});
afterEach(async () => {
  await host[Symbol.asyncDispose]();
  await rm(state, { recursive: true, force: true });
});

/** A WSGI server of the standard library: the environment has no third-party packages, so no network is needed. */
const source = `
import json, os, sys, colour
from wsgiref.simple_server import make_server
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps({"prefix": sys.prefix, "colour": colour.NAME, "forwarded": environ["HTTP_X_FORWARDED_PROTO"]}).encode()]
make_server("0.0.0.0", 8000, app).serve_forever()
`;
const python = { stack: { language: "python", version: "3" } } as const;
const building = { SCM_DO_BUILD_DURING_DEPLOYMENT: "1" };

describe.skipIf(missing)("a Python app (skipped without a python3 that other users can run)", () => {
  test("is built into a virtual environment of its own and started from start.sh", async () => {
    const files = [
      { name: "requirements.txt", content: "# nothing\n" },
      { name: "start.sh", content: "#!/bin/sh\nset -e\npython main.py\n" },
      { name: "main.py", content: source },
      { name: "colour.py", content: 'NAME = "blue"' },
    ];
    await host.configure("py", configurationOf("py", { ...python, startCommand: "start.sh", settings: building }));
    const { text } = await deployFiles(host, "py", files);
    expect(text).toContain("Creating virtual environment...");
    expect(text).toContain("Running pip install...");
    await host.start("py");
    const ready = await host.ready("py");
    const lines = [];
    for await (const line of host.logs("py", { tail: 100, signal: AbortSignal.timeout(50) })) lines.push(line.text);
    expect(ready, lines.join("\n")).toBe(true);
    const reply = JSON.parse(await textOf(await host.forward("py", requestFor("/")))) as Record<string, string>;
    expect(reply["prefix"]).toContain("/antenv/");
    expect(reply).toMatchObject({ colour: "blue", forwarded: "https" });

    const again = await deployFiles(
      host,
      "py",
      files.map((each) => (each.name === "colour.py" ? { ...each, content: 'NAME = "red"' } : each)),
    );
    expect(again.text).toContain("Requirements are unchanged");
    const second = JSON.parse(await textOf(await host.forward("py", requestFor("/")))) as Record<string, string>;
    expect(second["colour"]).toBe("red");
  }, 120_000);

  test("runs on the nearest installed version, and the deployment log says so", async () => {
    await host.configure(
      "py",
      configurationOf("py", { stack: { language: "python", version: "3.99" }, settings: building }),
    );
    const { lines } = await deployFiles(host, "py", [{ name: "app.py", content: "" }]);
    expect(lines.find(({ level }) => level === "warning")?.text).toMatch(/Python 3\.99 is not installed .* nearest/);
  }, 120_000);

  test("without a build's files fails as Oryx does", async () => {
    await host.configure("py", configurationOf("py", { ...python, settings: building }));
    await expect(deployFiles(host, "py", [{ name: "index.html", content: "" }])).rejects.toThrow(
      "Couldn't detect a version for the platform 'python' in the repo.",
    );
  });
});
