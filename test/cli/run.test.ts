/** `run`, `env` and `logs`: programs in the tenant, as the developer. */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isAlive, openSandbox, processesNaming, type Sandbox, until } from "./support.ts";

const json = (text: string): Record<string, string> => JSON.parse(text) as Record<string, string>;

describe("lanyard run without a tenant", () => {
  let box: Sandbox;
  beforeAll(() => {
    box = openSandbox();
  });
  afterAll(() => box.close());

  it("gives back the program's output and exit code, adds nothing to its output, and leaves no tenant", async () => {
    const result = await box.lanyard("run", "--", "sh", "-c", "echo hello; exit 7");
    expect(result).toMatchObject({ code: 7, out: "hello\n", err: "" });
    expect((await box.lanyard("status")).code).toBe(3);
  });

  it("leaves the program's own options alone, with and without --", async () => {
    expect((await box.lanyard("run", "echo", "--json", "-h")).out).toBe("--json -h\n");
    expect((await box.lanyard("run", "--", "echo", "--", "--help")).out).toBe("-- --help\n");
  });

  it("tells a program that a signal ended by 128 and its number", async () => {
    expect((await box.lanyard("run", "--", "sh", "-c", "kill -9 $$")).code).toBe(137);
  });

  it("says that there is no such program, with the shell's code", async () => {
    const { code, err } = await box.lanyard("run", "--", "no-such-program");
    expect(code).toBe(127);
    expect(err).toContain('no program "no-such-program"');
  });

  it("passes signals on and waits for what the program makes of them", async () => {
    const run = box.start([
      "run",
      "--",
      "sh",
      "-c",
      "trap 'echo told; exit 5' TERM; echo begun; while :; do sleep 0.1; done",
    ]);
    await run.says("begun");
    run.child.kill("SIGTERM");
    expect(await run.finished).toMatchObject({ code: 5, out: "begun\ntold\n" });
  });

  it("leaves no process behind when it is killed with -9, nor when the program leaves one", async () => {
    const mark = `lanyard-mark-${process.pid}`;
    const script = `sleep 301 ${mark}`;
    writeFileSync(join(box.folder, "tree.sh"), `sh -c 'exec -a ${mark} sleep 301' &\necho begun\nwait\n`);
    const run = box.start(["run", "--", "bash", join(box.folder, "tree.sh"), script]);
    await run.says("begun");
    run.child.kill("SIGKILL");
    await until(() => processesNaming(box.folder).length === 0 && processesNaming(mark).length === 0);

    const left = await box.lanyard("run", "--", "bash", "-c", "sleep 302 >/dev/null 2>&1 & echo $!");
    expect(left.code).toBe(0);
    await until(() => !isAlive(Number(left.out)));
  });

  it("lets the developer manage resources with Microsoft's SDK, unchanged", async () => {
    const script = join(box.folder, "groups.mjs");
    const sdk = (name: string): string => JSON.stringify(import.meta.resolve(name));
    writeFileSync(
      script,
      `import { ResourceManagementClient } from ${sdk("@azure/arm-resources")};
       import { DefaultAzureCredential } from ${sdk("@azure/identity")};
       const client = new ResourceManagementClient(new DefaultAzureCredential(), process.env.AZURE_SUBSCRIPTION_ID);
       await client.resourceGroups.createOrUpdate("reviews", { location: "eastus" });
       for await (const group of client.resourceGroups.list()) console.log(group.name);`,
    );
    expect(await box.lanyard("run", "--", "node", script)).toMatchObject({ code: 0, out: "reviews\n", err: "" });
  });

  it("keeps the requests: one line each, with caller, operation and status, and no secret", async () => {
    const { out } = await box.lanyard("logs");
    expect(out).toMatch(/lanyard-developer +arm +ResourceGroups_CreateOrUpdate +201/);
    const written = readFileSync(join(box.state, "logs", "requests.ndjson"), "utf8");
    expect(written).not.toMatch(/eyJ|client_secret|Bearer/);
    const first = JSON.parse((await box.lanyard("logs", "--json", "-n", "1")).out) as Record<string, unknown>;
    expect(first).toMatchObject({ type: "request", service: "arm", status: 200, refused: false });
  });
});

describe("lanyard run beside a running tenant", () => {
  let box: Sandbox;
  beforeAll(async () => {
    box = openSandbox();
    await box.lanyard("up", "-d", "--port", "0");
  });
  afterAll(() => box.close());

  it("joins it and leaves it running", async () => {
    const { out } = await box.lanyard("run", "--", "printenv", "AZURE_TENANT_ID");
    const status = json((await box.lanyard("status", "--json")).out);
    expect(out.trim()).toBe(status["tenantId"]);
    expect((await box.lanyard("status")).code).toBe(0);
  });

  it("prints the developer's environment as one object, as shell lines and as a .env file that agree", async () => {
    const set = json((await box.lanyard("env", "--json")).out);
    expect(set).toMatchObject({ AZURE_CORE_COLLECT_TELEMETRY: "0", AZURE_CLIENT_ID: expect.any(String) as string });
    expect(set["AZURE_CONFIG_DIR"]?.endsWith("/.azure")).toBe(true);

    const shell = (await box.lanyard("env")).out;
    const read = execFileSync(
      "sh",
      ["-c", `${shell}\nprintenv LANYARD_HOOK; printenv HTTPS_PROXY; printenv npm_x`.concat("; true")],
      {
        encoding: "utf8",
        env: { PATH: process.env["PATH"] ?? "" },
      },
    );
    expect(read).toBe(`${set["LANYARD_HOOK"]}\n${set["HTTPS_PROXY"]}\n`);

    writeFileSync(join(box.folder, ".env"), (await box.lanyard("env", "--dotenv")).out);
    const node = execFileSync(
      process.execPath,
      [`--env-file=${join(box.folder, ".env")}`, "-p", "process.env.LANYARD_HOOK"],
      {
        encoding: "utf8",
        env: {},
      },
    );
    expect(node.trim()).toBe(set["LANYARD_HOOK"]);
  });

  it("refuses to create an app under --no-create, and creates nothing", async () => {
    const { code, err } = await box.lanyard("run", "--as", "ghost", "--no-create", "--", "true");
    expect(code).toBe(1);
    expect(err).toContain("named ghost");
  });

  it("tells refused requests apart", async () => {
    await box.lanyard(
      "run",
      "--",
      process.execPath,
      "-e",
      'fetch("https://management.azure.com/subscriptions?api-version=2022-12-01", { headers: { authorization: "Bearer nonsense" } })',
    );
    const { out } = await box.lanyard("logs", "--denied");
    const lines = out.trim().split("\n");
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/arm .* 401 /);
  });

  it("ends its program when the tenant is a run's own and is told to stop", async () => {
    const own = openSandbox();
    try {
      const run = own.start(["run", "--", "sh", "-c", "echo begun; sleep 300"]);
      await run.says("begun");
      expect((await own.lanyard("down")).code).toBe(0);
      expect((await run.finished).code).toBe(143);
    } finally {
      await own.close();
    }
  });
});

describe("the command line", () => {
  let box: Sandbox;
  beforeAll(() => {
    box = openSandbox();
  });
  afterAll(() => box.close());

  it("answers a mistake with exit code 2 and the way to the help", async () => {
    for (const args of [["up", "--prot", "1"], ["nonsense"], ["run"], ["up", "--port", "x"], ["status", "word"]]) {
      const { code, err } = await box.lanyard(...args);
      expect({ args, code }).toEqual({ args, code: 2 });
      expect(err).toContain("--help");
    }
  });

  it("says everything with --json as JSON, mistakes included", async () => {
    const { err } = await box.lanyard("env", "--json");
    expect(json(err)).toMatchObject({ type: "problem", code: "not-running" });
  });

  it("lists the commands and helps with one", async () => {
    const { code, out } = await box.lanyard("--help");
    expect(code).toBe(0);
    for (const name of ["up", "down", "status", "run", "env", "az", "logs", "open", "start"])
      expect(out).toContain(`\n  ${name} `);
    expect((await box.lanyard("run", "--help")).out).toContain("Usage: lanyard run [--as NAME [--identity PROTOCOL]]");
  });
});
