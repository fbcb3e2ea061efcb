import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { environmentFor } from "../../control/environment.ts";
import { Problem } from "../../control/problem.ts";
import type { EnvironmentGrant } from "../../control/protocol.ts";
import { privateFolder } from "../../control/state-folder.ts";
import { runChild, startChild } from "../child.ts";
import { type Command, type Invocation, usageProblem } from "../command.ts";
import { startLifetime } from "../lifetime.ts";
import { findProgram } from "../programs.ts";
import { joinOrOpen, tenantOptions } from "../tenants.ts";

const extensions = join(import.meta.dirname, "..", "..", "..", "az-extension");

const run = async (invocation: Invocation): Promise<number> => {
  const { rest, machine, output, place } = invocation;
  if (rest.length === 0) throw usageProblem("There is nothing to tell az.", "az");
  const named = machine.env["LANYARD_AZ"];
  const az = named ?? findProgram(["az"], machine.env["PATH"] ?? "");
  if (az === undefined)
    throw new Problem({
      code: "not-found",
      what: "The Azure CLI (az) is not on PATH.",
      help: [
        "install it: pip install azure-cli, or your system's package azure-cli",
        "or name it: LANYARD_AZ=/path/az",
      ],
    });
  const lifetime = startLifetime();
  const { control, session } = await joinOrOpen(invocation, () => lifetime.end("requested"));
  try {
    const grant = await control.environment({ create: false });
    const env = {
      ...(await environmentFor(grant, machine.env, "python")),
      // The user's own ~/.azure, extensions included, is neither read nor written.
      AZURE_EXTENSION_DIR:
        machine.env["AZURE_EXTENSION_DIR"] ?? privateFolder(join(place.state, "developer", "az-extensions")),
      // Our stand-ins for extensions that az can only have from the network; they step back for the real ones.
      AZURE_EXTENSION_SYS_DIR: machine.env["AZURE_EXTENSION_SYS_DIR"] ?? extensions,
      // az 2.91 calls its own library wrongly when `webapp up` has no location (docs/reference/az.md).
      AZURE_DEFAULTS_LOCATION: machine.env["AZURE_DEFAULTS_LOCATION"] ?? "eastus",
      // Python would write its caches beside the extension.
      PYTHONDONTWRITEBYTECODE: "1",
      AZURE_CORE_COLLECT_TELEMETRY: "0",
      AZURE_CORE_SURVEY_MESSAGE: "0",
    };
    forgetOlderCommands(grant.azureConfigFolder);
    if (!isSignedIn(grant) && rest[0] !== "login") {
      output.emit({ type: "notice", text: "signing az in to this tenant as its developer (once)" });
      await signIn(az, grant, env);
    }
    return await runChild([az, ...rest], lifetime, { env });
  } finally {
    lifetime.release();
    await session?.close();
  }
};

/**
 * az remembers which extension has which commands, and asks again only when its own version changes (azure-cli 2.91). Ours may
 * have got others since this tenant's az was last used.
 */
const forgetOlderCommands = (folder: string): void => {
  const commands = readFileSync(join(extensions, "lanyard", "azext_lanyard", "__init__.py"));
  const now = createHash("sha256").update(commands).digest("hex");
  const seen = join(privateFolder(folder), ".lanyard-extension");
  if (existsSync(seen) && readFileSync(seen, "utf8") === now) return;
  for (const name of ["commandIndex", "extensionIndex", "helpIndex", "extensionHelpIndex"])
    rmSync(join(folder, `${name}.json`), { force: true });
  writeFileSync(seen, now, { mode: 0o600 });
};

/** az keeps what it is signed in to in `azureProfile.json` (with a byte order mark). */
const isSignedIn = (grant: EnvironmentGrant): boolean => {
  try {
    const text = readFileSync(join(grant.azureConfigFolder, "azureProfile.json"), "utf8").replace(/^\uFEFF/, "");
    const { subscriptions } = JSON.parse(text) as {
      readonly subscriptions?: readonly { readonly tenantId?: string }[];
    };
    return subscriptions?.some(({ tenantId }) => tenantId === grant.tenantId) ?? false;
  } catch {
    return false;
  }
};

/** The secret goes through a file: a command line can be read by every user of the machine. */
const signIn = async (az: string, grant: EnvironmentGrant, env: Readonly<Record<string, string>>): Promise<void> => {
  const { actor } = grant;
  if (actor.kind !== "developer") return;
  const file = join(grant.azureConfigFolder, ".sign-in");
  if (existsSync(file)) rmSync(file);
  writeFileSync(file, actor.clientSecret, { mode: 0o600, flag: "wx" });
  const lines: string[] = [];
  try {
    const login = ["login", "--service-principal", "--username", actor.clientId, "--password", `@${file}`];
    const child = startChild([az, ...login, "--tenant", actor.tenantId, "--output", "none"], {
      env,
      onLine: (line) => lines.push(line),
    });
    const code = await child.exited;
    if (code !== 0)
      throw new Problem({
        code: "sign-in-failed",
        what: `az could not sign in to the tenant (exit code ${code}).`,
        why: lines.slice(-10).join("\n"),
        help: ["lanyard logs"],
      });
  } finally {
    rmSync(file, { force: true });
  }
};

export const command: Command = {
  name: "az",
  summary: "Run the Azure CLI in the tenant, signed in as its developer; your own ~/.azure stays untouched.",
  usage: "[options] ARGS",
  options: { ...tenantOptions },
  rest: "program",
  examples: ["lanyard az group list", "lanyard az -- version"],
  run,
};
