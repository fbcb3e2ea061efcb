/** `az` and `open`, with programs of ours in the place of az and the browser: what they are given. */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { browserArguments } from "../../src/cli/commands/open.ts";
import { openSandbox, type Sandbox } from "./support.ts";

/** Writes what it is called with; on `login` it behaves as az: reads the secret from the file and remembers the tenant. */
const fakeAz = `#!${process.execPath}
const { appendFileSync, mkdirSync, readFileSync, statSync, writeFileSync } = require("node:fs");
const args = process.argv.slice(2);
const note = { args, home: process.env.AZURE_CONFIG_DIR, proxy: process.env.HTTPS_PROXY };
if (args[0] === "login") {
  const given = args[args.indexOf("--password") + 1];
  note.secretMode = statSync(given.slice(1)).mode & 0o777;
  note.secretLength = readFileSync(given.slice(1), "utf8").length;
  mkdirSync(note.home, { recursive: true });
  const profile = { subscriptions: [{ tenantId: args[args.indexOf("--tenant") + 1] }] };
  writeFileSync(note.home + "/azureProfile.json", "\\uFEFF" + JSON.stringify(profile));
}
appendFileSync(__dirname + "/calls", JSON.stringify(note) + "\\n");
if (args[0] === "fail") process.exit(3);
`;

interface AzCall {
  readonly args: readonly string[];
  readonly home: string;
  readonly proxy: string;
  readonly secretMode?: number;
  readonly secretLength?: number;
}

describe("lanyard az", () => {
  let box: Sandbox;
  let folder: string;
  const az = (...args: string[]) => box.start(["az", ...args], { env: { LANYARD_AZ: join(folder, "az") } }).finished;
  const calls = (): AzCall[] =>
    readFileSync(join(folder, "calls"), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as AzCall);

  beforeAll(() => {
    box = openSandbox();
    folder = join(box.folder, "programs");
    mkdirSync(folder);
    writeFileSync(join(folder, "az"), fakeAz);
    chmodSync(join(folder, "az"), 0o755);
  });
  afterAll(() => box.close());

  it("signs in once, without the secret on a command line, then hands everything to az", async () => {
    const { code, err } = await az("group", "list", "--output", "json", "--help");
    expect(code).toBe(0);
    expect(err).toContain("signing az in");
    await az("--", "--version");
    const [login, first, second, ...others] = calls();
    expect(others).toEqual([]);
    expect(login?.args.slice(0, 2)).toEqual(["login", "--service-principal"]);
    expect(login?.args[login.args.indexOf("--password") + 1]).toMatch(/^@/);
    expect(login).toMatchObject({ secretMode: 0o600 });
    expect(login?.secretLength).toBeGreaterThan(30);
    expect(first?.args).toEqual(["group", "list", "--output", "json", "--help"]);
    expect(second?.args).toEqual(["--version"]);
    // az writes its local settings into the app's folder unless the name is `.azure`.
    expect(first?.home).toBe(join(box.state, "developer", ".azure"));
    expect(first?.proxy).toMatch(/^http:\/\/developer:/);
  });

  it("makes az look for commands again when Lanyard's extension has others than it was last used with", async () => {
    const home = join(box.state, "developer", ".azure");
    const [index, seen] = [join(home, "extensionIndex.json"), join(home, ".lanyard-extension")];
    writeFileSync(index, "{}");
    await az("version");
    expect(existsSync(index)).toBe(true);
    writeFileSync(seen, "an older one");
    await az("version");
    expect(existsSync(index)).toBe(false);
  });

  it("gives back az's exit code", async () => {
    expect((await az("fail")).code).toBe(3);
  });

  it("says how to get az where there is none", async () => {
    const { code, err } = await box.start(["az", "version"], { env: { PATH: folder.replace("programs", "none") } })
      .finished;
    expect(code).toBe(127);
    expect(err).toContain("pip install azure-cli");
  });
});

describe("lanyard open", () => {
  it("trusts exactly one key, in a profile of its own, and talks to the tenant only", () => {
    const args = browserArguments({ openPort: 4281, spki: "c3BraQ==", profile: "/state/browser" });
    expect(args).toContain("--ignore-certificate-errors-spki-list=c3BraQ==");
    expect(args).toContain("--user-data-dir=/state/browser");
    expect(args).toContain("--proxy-server=http://127.0.0.1:4281");
    expect(args).not.toContain("--ignore-certificate-errors");
    expect(args).not.toContain("--no-sandbox");
  });

  it("refuses to run a browser as root rather than without its sandbox", async ({ skip }) => {
    if (process.getuid?.() !== 0) skip("needs root");
    const box = openSandbox();
    try {
      const { code, err } = await box.start(["open"], { env: { LANYARD_CHROMIUM: "/bin/true" } }).finished;
      expect(code).toBe(1);
      expect(err).toContain("does not run as root");
    } finally {
      await box.close();
    }
  });
});
