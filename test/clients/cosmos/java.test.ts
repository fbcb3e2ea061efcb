import { copyFileSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { needs } from "../../support/skip.ts";
import { build, cached, markOf } from "../toolchains.ts";
import { testCosmosClient } from "./conformance.ts";

/** The client takes a proxy, but looks up names on its own before it asks the proxy for them: they have to mean something. */
const hosts = [
  "localhost",
  ...["acme", "acme-eastus", "acme-westus", "sealed"].map((name) => `${name}.documents.azure.com`),
];

const source = join(import.meta.dirname, "programs", "java");

needs("maven")("azure-cosmos for Java", () => {
  const files = readdirSync(source);
  const texts = files.map((name) => readFileSync(join(source, name), "utf8"));
  const programs = files.filter((name) => name.endsWith(".java")).map((name) => join(source, name));
  const folder = cached(`java-${markOf(...texts, ...hosts)}`, (home) => {
    copyFileSync(join(source, "pom.xml"), join(home, "pom.xml"));
    writeFileSync(join(home, "hosts"), `127.0.0.1 ${hosts.join(" ")}\n`);
    build(
      home,
      ["mvn", "--quiet", "--batch-mode", "dependency:copy-dependencies", `-DoutputDirectory=${join(home, "lib")}`],
      ["javac", "-encoding", "UTF-8", "-cp", join(home, "lib", "*"), "-d", home, ...programs],
    );
  });
  testCosmosClient({
    sdk: "Java",
    version: `azure-cosmos ${/azure-cosmos<\/artifactId><version>([^<]+)/.exec(texts.join("\n"))?.[1] ?? ""}`,
    command: [
      "java",
      `-Djdk.net.hosts.file=${join(folder, "hosts")}`,
      "-cp",
      `${folder}:${join(folder, "lib", "*")}`,
      "Conformance",
    ],
  });
});
