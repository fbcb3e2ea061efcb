import { writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { available, type Bench, openBench, run } from "./edge.test-support.ts";
import { applyEnvironment, composeEnvironment, type EnvironmentInput, type Runtime } from "./environment.ts";
import { trustFiles } from "./trust-files.ts";

let bench: Bench;
let input: EnvironmentInput;
const python = await available("python3", "-c", "import requests");
const java = await available("javac", "-version");
const postgres = createServer((socket) => void socket.end("front door"));

beforeAll(async () => {
  bench = await openBench();
  await new Promise<void>((resolve) => void postgres.listen(0, "127.0.0.1", resolve));
  const base = { PATH: process.env["PATH"] ?? "", HOME: bench.folder };
  input = {
    base,
    runtime: "other",
    actor: { kind: "app", identityEndpoint: `http://127.0.0.1:${bench.gateway.port}/msi/token`, identityHeader: "h" },
    account: { name: "app1", secret: "s3cret" },
    gatewayPort: bench.gateway.port,
    openPort: bench.gateway.openPort,
    tlsPort: bench.gateway.tlsPort,
    trust: await trustFiles(bench.certificates.caFile, base),
    hook: fileURLToPath(new URL("hook.cjs", import.meta.url)),
    postgres: { address: "127.0.0.1", port: (postgres.address() as AddressInfo).port },
    azureConfigFolder: join(bench.folder, "azure"),
    azdConfigFolder: join(bench.folder, "azd"),
  };
});
afterAll(async () => {
  postgres.close();
  await bench[Symbol.asyncDispose]();
});

const variables = (runtime: Runtime): Record<string, string> =>
  applyEnvironment(input.base, composeEnvironment({ ...input, runtime }));

const node = async (code: string, runtime: Runtime = "node"): Promise<string> => {
  const { stdout, stderr } = await run(process.execPath, ["--input-type=module", "-e", code], variables(runtime));
  return stdout + stderr;
};

const blob = "https://acme.blob.core.windows.net/c/b?comp=list";
const imds = "http://169.254.169.254/metadata/identity/oauth2/token?resource=x";

describe("a Node process with the hook", () => {
  test("meets the tenant by fetch, under the production name", async () => {
    expect(await node(`console.log(await (await fetch("${blob}")).text())`)).toContain(
      '"host":"acme.blob.core.windows.net"',
    );
  });

  test("meets the tenant by node:https with an agent of its own, as @azure/cosmos uses", async () => {
    const out = await node(
      `import { Agent, get } from "node:https";
       get("${blob}", { agent: new Agent({ keepAlive: false }) }, (answer) => answer.on("data", (d) => console.log(String(d))));`,
    );
    expect(out).toContain('"secure":true');
  });

  test("meets the tenant by bare TLS and by (port, host)", async () => {
    const out = await node(
      `import { connect } from "node:net";
       import { connect as secure } from "node:tls";
       secure(443, "acme.blob.core.windows.net", { servername: "acme.blob.core.windows.net" }, () => console.log("tls"))
         .end("GET / HTTP/1.1\\r\\nHost: acme.blob.core.windows.net\\r\\nConnection: close\\r\\n\\r\\n").resume();
       for (const port of [5432, Number(process.env.PGPORT)])
         connect(port, "db.postgres.database.azure.com").on("data", (d) => console.log(String(d)));`,
    );
    expect(out).toContain("tls");
    expect(out.match(/front door/g)).toHaveLength(2);
  });

  test("meets IMDS here, and IMDS knows the app", async () => {
    const out = await node(`console.log(await (await fetch("${imds}", { headers: { Metadata: "true" } })).text())`);
    expect(out).toContain('"host":"169.254.169.254"');
    expect(out).toContain('"app":"app1"');
    expect(out).toContain("Metadata");
  });

  test("takes its worker threads and child processes along", async () => {
    const out = await node(
      `import { Worker } from "node:worker_threads";
       import { execFileSync } from "node:child_process";
       const code = 'fetch("${blob}").then((r) => r.text()).then((t) => console.log(t))';
       console.log(execFileSync(process.execPath, ["-e", code]).toString());
       new Worker(code, { eval: true });`,
    );
    expect(out.match(/"host":"acme.blob.core.windows.net"/g)).toHaveLength(2);
  });

  test("leaves other connections and exempted hosts alone", async () => {
    const out = await node(
      `import { connect, createServer } from "node:net";
       import { lookup } from "node:dns";
       const server = createServer((socket) => socket.end("mine")).listen(0, "127.0.0.1", () => {
         connect(server.address().port, "127.0.0.1").on("data", (d) => console.log(String(d))).on("end", () => server.close());
         connect({ port: server.address().port }).on("error", () => {}).resume();
       });
       connect({ host: "azcliprod.blob.core.windows.net", port: 443, lookup: (name, o, done) => { console.log("asked " + name); done(new Error("no")); } }).on("error", () => {});`,
    );
    expect(out).toContain("mine");
    expect(out).toContain("asked azcliprod.blob.core.windows.net");
  });

  test("keeps to itself when its configuration is broken", async () => {
    const { code } = await run(process.execPath, ["-e", "0"], { ...variables("node"), LANYARD_HOOK: "{" });
    expect(code).toBe(0);
  });

  test("works beside the proxy variables", async () => {
    expect(await node(`console.log(await (await fetch("${blob}")).text())`, "other")).toContain("acme.blob");
  });
});

describe("other clients in the environment", () => {
  test.skipIf(!python)("Python's requests and urllib meet the tenant, and the tenant knows the app", async () => {
    const { stdout, stderr } = await run(
      "python3",
      [
        "-c",
        `import requests, urllib.request; print(requests.get("${blob}").text); print(urllib.request.urlopen("${blob}").read()); print(requests.get("${imds}").text)`,
      ],
      variables("python"),
    );
    expect(stdout.match(/"app":"app1"/g), stderr).toHaveLength(3);
  });

  test.skipIf(!python)("Python refuses a certificate outside the constraints", async () => {
    const { mintLeaf } = await import("./mint.ts");
    const { readFile } = await import("node:fs/promises");
    const { createServer: createTls } = await import("node:tls");
    const file = join(bench.folder, "certificates", "authority.json");
    const leaf = await mintLeaf(JSON.parse(await readFile(file, "utf8")), ["evil.example"], Date.now());
    const server = createTls({ key: leaf.key, cert: leaf.chain });
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    const code = `import socket, ssl
s = socket.create_connection(("127.0.0.1", ${(server.address() as AddressInfo).port}))
ssl.create_default_context().wrap_socket(s, server_hostname="evil.example")`;
    const { stderr } = await run("python3", ["-c", code], variables("python"));
    server.close();
    expect(stderr).toContain("permitted subtree violation");
  });

  test.skipIf(!java)("Java meets the tenant through the port without credentials", async () => {
    const source = `import java.net.*; public class Main { public static void main(String[] a) throws Exception {
      System.out.println(new String(new URL("${blob}").openStream().readAllBytes()));
      var c = java.net.http.HttpClient.newHttpClient();
      System.out.println(c.send(java.net.http.HttpRequest.newBuilder(URI.create("${blob}")).build(), java.net.http.HttpResponse.BodyHandlers.ofString()).body());
    } }`;
    await writeFile(join(bench.folder, "Main.java"), source);
    const { stdout, stderr } = await run("java", [join(bench.folder, "Main.java")], variables("java"));
    expect(stdout.match(/"host":"acme.blob.core.windows.net"/g), stderr).toHaveLength(2);
  });
});
