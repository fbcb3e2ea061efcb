/** samples/container-app-token as it is meant: in a container, deployed by its own script with Microsoft's clients. */
import { execFileSync } from "node:child_process";
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startTenant, type TestTenant } from "../../src/testing/start-tenant.ts";
import { needs } from "../support/skip.ts";
import { root } from "../support/source.ts";
import { startEngine, type TestEngine } from "./engine.ts";

const sample = join(root, "samples", "container-app-token");
const image = "localhost/container-app-token:latest";

/** This machine's Node with the libraries that it is linked to, the sample's sources and what they need. */
const makeImage = (engine: TestEngine, folder: string): void => {
  const files = execFileSync("ldd", [process.execPath], { encoding: "utf8" });
  for (const [, library = ""] of files.matchAll(/(\/\S+)\s+\(0x/g)) {
    mkdirSync(join(folder, dirname(library)), { recursive: true });
    copyFileSync(library, join(folder, library));
  }
  mkdirSync(join(folder, "bin"), { recursive: true });
  copyFileSync(process.execPath, join(folder, "bin", "node"));
  for (const name of ["etc", "proc", "sys", "dev", "run", "tmp"]) mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, "etc", "passwd"), "root:x:0:0::/:/bin/sh\nnode:x:1000:1000::/tmp:/bin/sh\n");
  const app = join(folder, "app");
  cpSync(join(sample, "src"), join(app, "src"), { recursive: true });
  for (const name of ["package.json", "package-lock.json"]) cpSync(join(sample, name), join(app, name));
  execFileSync("npm", ["ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"], { cwd: app, stdio: "pipe" });
  execFileSync("tar", ["-C", folder, "-cf", `${folder}.tar`, "."]);
  const changes = ['CMD ["/bin/node", "src/server.ts"]', "WORKDIR /app", "USER 1000"];
  engine.podman("import", ...changes.flatMap((each) => ["--change", each]), `${folder}.tar`, image);
};

needs(
  "podman",
  "runc",
  "busybox",
)("the sample container-app-token on an engine", () => {
  const opened = new AsyncDisposableStack();
  let tenant: TestTenant;

  beforeAll(async () => {
    const folder = mkdtempSync(join(tmpdir(), "lanyard-sample-"));
    opened.defer(() => rmSync(folder, { recursive: true, force: true }));
    const engine = opened.use(await startEngine());
    makeImage(engine, join(folder, "image"));
    tenant = opened.use(await startTenant({ containerEngine: engine.socket }));
  });
  afterAll(() => opened.disposeAsync());

  it("is deployed by its script, and again without a change", async () => {
    const deploy = () => tenant.run("node", [join(sample, "deploy", "deploy.ts"), "--image", image]);
    const first = await deploy();
    expect(first.code, first.stderr).toBe(0);
    expect(first.stdout).toContain("container app container-app-token: created");
    expect(first.stdout).toContain("app: well");
    const second = await deploy();
    expect(second.code, second.stderr).toBe(0);
    expect(second.stdout).toContain("container app container-app-token: kept");
  });

  it("gets both identities' tokens in both ways", async () => {
    const path = `/subscriptions/${tenant.subscriptionId}/resourceGroups/container-app-token/providers/Microsoft.App/containerApps/container-app-token?api-version=2024-03-01`;
    // oxlint-disable-next-line typescript/no-explicit-any -- answers are looked into by tests
    const body: any = (await tenant.arm("GET", path)).body;
    const { identity, properties } = body;
    const address = `https://${properties.configuration.ingress.fqdn}/tokens`;
    const { stdout, stderr } = await tenant.run("node", [
      "-e",
      `fetch("${address}").then(async (r) => console.log(await r.text()))`,
    ]);
    expect(stderr).toBe("");
    const [system, user] = JSON.parse(stdout);
    const [shared] = Object.values(identity.userAssignedIdentities) as { principalId: string }[];
    for (const way of ["HTTP GET", "SDK"]) {
      expect(system.ways[way]).toMatchObject({ ok: true, claims: { objectId: identity.principalId } });
      expect(user.ways[way]).toMatchObject({ ok: true, claims: { objectId: shared?.principalId } });
    }
    expect(tenant.failures).toEqual([]);
  });
});
