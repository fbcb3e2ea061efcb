/** azure-identity, and msrestazure as apps of 2019 use it. Each in a virtual environment of its own. */
import { join } from "node:path";
import { needs } from "../support/skip.ts";
import { scope, testClient } from "./clients.ts";
import { arc, pythonEnvironment } from "./toolchains.ts";

const programs = join(import.meta.dirname, "programs");

const environment = (name: string) => pythonEnvironment(join(programs, `${name}.txt`));

needs("python")("azure-identity for Python", () => {
  const { python, version } = environment("azure-identity");
  testClient({
    name: "Python",
    version,
    protocols: ["app-service", "imds", "cloud-shell", "azure-ml", "workload", ...arc],
    command: ({ credential, selector, value }) => [
      python,
      join(programs, "identity_token.py"),
      credential,
      scope,
      ...(selector === undefined ? [] : [selector, value ?? ""]),
    ],
  });
});

needs("python")("msrestazure for Python", () => {
  const { python, version } = environment("msrestazure");
  testClient({
    name: "Python, 2019",
    version,
    protocols: ["app-service", "imds", "cloud-shell"],
    cannot: ["object id", "resource id", "default chain"],
    // What App Service sets, and what it looks for.
    env: { APPSETTING_WEBSITE_SITE_NAME: "site" },
    without: { imds: ["APPSETTING_WEBSITE_SITE_NAME"], "cloud-shell": ["APPSETTING_WEBSITE_SITE_NAME"] },
    command: ({ value }) => [
      python,
      join(programs, "msi_token.py"),
      scope.replace("/.default", ""),
      ...(value === undefined ? [] : [value]),
    ],
  });
});
