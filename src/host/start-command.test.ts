import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type StartPlan, planStart } from "./start-command.ts";

let top: string;
let count = 0;
beforeAll(async () => {
  top = await mkdtemp(join(tmpdir(), "lanyard-start-"));
});
afterAll(() => rm(top, { recursive: true, force: true }));

const plan = async (
  language: "node" | "python",
  files: Readonly<Record<string, string>>,
  commandLine = "",
  rest: { readonly settings?: Record<string, string>; readonly version?: string } = {},
): Promise<StartPlan & { readonly folder: string }> => {
  count += 1;
  const folder = join(top, String(count));
  await mkdir(folder);
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  const question = { stack: { language, version: "" }, folder, commandLine, settings: rest.settings ?? {}, cores: 2 };
  return { ...(await planStart({ ...question, version: rest.version ?? "3.11.2" })), folder };
};

const argv = (found: StartPlan): readonly string[] => (found.kind === "command" ? found.argv : ["default-site"]);

describe("a Node app is started", () => {
  test.each([
    [
      "by npm start, before main and known files",
      { "package.json": '{"main":"m.js","scripts":{"start":"x"}}', "server.js": "" },
      "npm start",
    ],
    ["by yarn with a yarn.lock", { "package.json": '{"scripts":{"start":"x"}}', "yarn.lock": "" }, "yarn run start"],
    ["by main, before known files", { "package.json": '{"main":"m.js"}', "server.js": "" }, "node m.js"],
    ["by bin/www first", { "bin/www": "", "server.js": "", "app.js": "" }, "node bin/www"],
    ["by server.js before app.js", { "server.js": "", "app.js": "" }, "node server.js"],
    ["by index.js", { "index.js": "", "package.json": "not json" }, "node index.js"],
    ["as the default site when nothing is known", { "index.html": "" }, "default-site"],
  ])("%s", async (_case, files, expected) => {
    expect(argv(await plan("node", files)).join(" ")).toBe(expected);
  });

  test("by the file that the startup command names", async () => {
    const files = { "package.json": '{"scripts":{"start":"x"}}', "run/it.js": "", "start.sh": "" };
    expect(argv(await plan("node", files, "package.json"))).toEqual(["npm", "start"]);
    const script = await plan("node", files, "run/it.js");
    expect(argv(script)).toEqual(["node", join(script.folder, "run/it.js")]);
    const shell = await plan("node", files, "start.sh");
    expect(argv(shell).slice(-2)).toEqual([shell.folder, join(shell.folder, "start.sh")]);
  });

  test("by the shell when the startup command is no file", async () => {
    const found = await plan("node", { "server.js": "" }, "cd sub && node x.js --port $PORT");
    expect(argv(found)[2]).toContain("cd sub && node x.js --port $PORT");
  });
});

describe("a Python app is started", () => {
  test.each([
    ["Flask in app.py", { "app.py": "" }, "gunicorn app:app"],
    ["application.py before app.py", { "application.py": "", "app.py": "" }, "gunicorn application:app"],
    ["Django before Flask", { "app.py": "", "site1/wsgi.py": "" }, "gunicorn site1.wsgi"],
    ["a wsgi.py in the virtual environment is none", { "antenv/wsgi.py": "", "run.py": "" }, "gunicorn run:app"],
    ["nothing known", { "main.py": "" }, "default-site"],
  ])("%s", async (_case, files, expected) => {
    expect(argv(await plan("python", files)).join(" ")).toBe(expected);
  });

  test("with gunicorn's flags in GUNICORN_CMD_ARGS", async () => {
    const found = await plan("python", { "app.py": "" }, "", {
      settings: { PYTHON_ENABLE_GUNICORN_MULTIWORKERS: "true", PYTHON_GUNICORN_CUSTOM_THREAD_NUM: "4" },
    });
    expect(found.kind === "command" && found.env["GUNICORN_CMD_ARGS"]).toBe(
      `--timeout 600 --access-logfile '-' --error-logfile '-' --workers=5 --threads=4 --chdir='${found.folder}'`,
    );
  });

  test("as FastAPI from Python 3.14 on only", async () => {
    const files = { "main.py": "from fastapi import FastAPI" };
    expect(argv(await plan("python", files, "", { version: "3.14.0" })).join(" ")).toBe(
      "gunicorn -k uvicorn_worker.UvicornWorker main:app",
    );
    expect(argv(await plan("python", files, "", { version: "3.13.0" }))).toEqual(["default-site"]);
  });

  test("by the first line of a startup file that is no shell script", async () => {
    const found = await plan("python", { "startup.txt": "gunicorn -w 2 app:app\nsecond" }, "startup.txt");
    expect(argv(found)[2]).toMatch(/gunicorn -w 2 app:app$/);
  });
});

test("a startup file that is a link out of the app is taken as a command, not read", async () => {
  const found = await plan("python", { "app.py": "" });
  await writeFile(join(top, "secret.txt"), "echo secret");
  await symlink(join(top, "secret.txt"), join(found.folder, "startup.txt"));
  const question = {
    stack: { language: "python", version: "" },
    folder: found.folder,
    settings: {},
    cores: 1,
  } as const;
  expect(argv(await planStart({ ...question, commandLine: "startup.txt", version: "3.11.0" }))[2]).toMatch(
    /startup.txt$/,
  );
});
