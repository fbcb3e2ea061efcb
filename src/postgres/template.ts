/**
 * Data directories. `initdb` runs once per version of the programs and of the role model; servers are copies of that
 * template, about ten times faster. A folder gets its name only when it is complete and on disk.
 */
import { createHash } from "node:crypto";
import { readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { createAdministratorLogin, openPublicSchema, publicSchemaOwner, roleModel, superuser } from "./role-sql.ts";
import { run, runStopped, writeOwned, type Runner } from "./run.ts";
import { randomSecret, verifier } from "./scram.ts";

/** Every connection authenticates with SCRAM; there is no TCP. Replication needs its own line, `all` does not match it. */
const hostBasedAuthentication = "local all all scram-sha-256\nlocal replication all scram-sha-256\n";

/** Changes when a cluster of an earlier version must be brought up to date. */
export const modelVersion = createHash("sha256")
  .update(JSON.stringify([roleModel, [publicSchemaOwner], hostBasedAuthentication]))
  .digest("hex")
  .slice(0, 12);

export const versionFile = "lanyard_model";

const exists = async (path: string): Promise<boolean> => {
  try {
    await stat(path);
    return true;
  } catch {
    return false;
  }
};

/** Brings the role model of a stopped cluster to this version of the product. */
export const applyModel = async (runner: Runner, data: string): Promise<void> => {
  await writeOwned(runner, join(data, "pg_hba.conf"), hostBasedAuthentication);
  await runStopped(runner, data, "postgres", roleModel);
  // What new databases are copied from.
  await runStopped(runner, data, "template1", [publicSchemaOwner]);
  await writeOwned(runner, join(data, versionFile), modelVersion);
};

const initialise = async (runner: Runner, data: string): Promise<void> => {
  const password = `${data}.password`;
  // Replaced at every start of a cluster; initdb wants one for SCRAM.
  await writeOwned(runner, password, randomSecret());
  try {
    await run(runner, runner.binaries.initdb, [
      `--pgdata=${data}`,
      `--username=${superuser}`,
      "--auth=scram-sha-256",
      `--pwfile=${password}`,
      "--no-sync",
      "--encoding=UTF8",
      // Azure's default is en_US.utf8. ICU sorts alike on every platform, whatever locales the machine has.
      "--locale=C",
      "--locale-provider=icu",
      "--icu-locale=en-US",
      // Segments of 4 MB instead of 16 keep a new server small.
      "--wal-segsize=4",
    ]);
  } finally {
    await rm(password, { force: true });
  }
  await applyModel(runner, data);
};

/** Removes what an interrupted run of ours left. */
const removeUnfinished = async (folder: string): Promise<void> => {
  for (const name of await readdir(folder)) {
    if (name.includes(".new")) await rm(join(folder, name), { recursive: true, force: true });
  }
};

/**
 * Makes the template if it is missing.
 * @param folder a folder that PostgreSQL's user owns, used by this process alone.
 * @returns the path of the template's data directory.
 */
export const prepareTemplate = async (runner: Runner, folder: string): Promise<string> => {
  const template = join(folder, `${runner.binaries.version}-${modelVersion}`);
  if (await exists(template)) return template;
  await removeUnfinished(folder);
  const unfinished = `${template}.new`;
  await initialise(runner, unfinished);
  await run(runner, runner.binaries.initdb, ["--sync-only", "-D", unfinished]);
  await rename(unfinished, template);
  return template;
};

export interface NewCluster {
  /** Absent when the server allows Entra authentication only. */
  readonly administrator?: { readonly login: string; readonly password: string };
  /** The major version that was asked for, which may differ from the one that runs. */
  readonly version: number;
}

/**
 * Creates a server's data directory from the template. When this resolves the directory is on disk, complete.
 * @param data its path; the folder above exists and belongs to PostgreSQL's user.
 */
export const createCluster = async (
  runner: Runner,
  template: string,
  data: string,
  { administrator, version }: NewCluster,
): Promise<void> => {
  const unfinished = `${data}.new`;
  await rm(unfinished, { recursive: true, force: true });
  await run(runner, "cp", ["-a", template, unfinished]);
  const statements = [
    ...(administrator === undefined
      ? []
      : createAdministratorLogin(administrator.login, verifier(administrator.password))),
    ...(version <= 14 ? [openPublicSchema] : []),
  ];
  if (statements.length > 0) await runStopped(runner, unfinished, "postgres", statements);
  if (version <= 14) await runStopped(runner, unfinished, "template1", [openPublicSchema]);
  await run(runner, runner.binaries.initdb, ["--sync-only", "-D", unfinished]);
  await rename(unfinished, data);
};
