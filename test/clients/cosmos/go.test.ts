import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { needs } from "../../support/skip.ts";
import { build, cached, markOf } from "../toolchains.ts";
import { testCosmosClient } from "./conformance.ts";

const source = join(import.meta.dirname, "programs", "go");

needs("go")("azcosmos for Go", () => {
  const texts = readdirSync(source).map((name) => readFileSync(join(source, name), "utf8"));
  const folder = cached(`go-${markOf(...texts)}`, (home) =>
    build(source, ["go", "build", "-o", join(home, "conformance"), "."]),
  );
  testCosmosClient({
    sdk: "Go",
    version: `azcosmos ${/data\/azcosmos v(\S+)/.exec(texts.join("\n"))?.[1] ?? ""}`,
    command: [join(folder, "conformance")],
  });
});
