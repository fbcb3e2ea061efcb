/** What ARM does to a running server: databases, administrators, passwords, parameters. All as the superuser. */
import type { Cluster } from "./cluster.ts";
import { createAdministratorLogin, identifier, literal, setPassword } from "./role-sql.ts";
import { verifier } from "./scram.ts";

export interface Database {
  readonly name: string;
  readonly charset: string;
  readonly collation: string;
}

/** An Entra principal that administers a server. */
export interface Administrator {
  /** Becomes the role's name: the UPN of a user, the display name of anything else. At most 63 bytes. */
  readonly principalName: string;
  readonly objectId: string;
  readonly type: "user" | "group" | "service";
}

const failedWith = (error: unknown, code: string): boolean =>
  error instanceof Error && "code" in error && error.code === code;

const reserved = new Set(["postgres", "template0", "template1"]);

/** Creates a database that the administrators own together. One that exists is left as it is. */
export const createDatabase = async (cluster: Cluster, name: string): Promise<void> => {
  try {
    await cluster.query(`CREATE DATABASE ${identifier(name)} OWNER azure_pg_admin`);
  } catch (error) {
    // 42P04: it exists.
    if (!failedWith(error, "42P04")) throw error;
  }
};

/** Drops a database and cuts its sessions. @returns false when there was none. */
export const dropDatabase = async (cluster: Cluster, name: string): Promise<boolean> => {
  if (reserved.has(name)) throw new Error(`Database ${name} belongs to the server and cannot be dropped.`);
  try {
    await cluster.query(`DROP DATABASE ${identifier(name)} WITH (FORCE)`);
    return true;
  } catch (error) {
    if (failedWith(error, "3D000")) return false;
    throw error;
  }
};

/** Databases without templates, made through ARM or SQL alike. */
export const listDatabases = async (cluster: Cluster): Promise<Database[]> =>
  cluster.query<Database & Record<string, unknown>>(
    // The clusters sort by ICU's en-US, which is Azure's default by another name.
    `SELECT datname AS name, pg_encoding_to_char(encoding) AS charset,
      CASE datlocprovider WHEN 'i' THEN 'en_US.utf8' ELSE datcollate END AS collation
    FROM pg_database WHERE NOT datistemplate ORDER BY datname`,
  );

/** Creates the role, or binds an existing Entra role to this principal. @throws when another kind of role has the name. */
export const putAdministrator = async (cluster: Cluster, administrator: Administrator): Promise<void> => {
  const { principalName, objectId, type } = administrator;
  const [existing] = await cluster.query<{ labelled: boolean }>(
    `SELECT EXISTS (SELECT FROM pg_shseclabel AS l WHERE l.objoid = r.oid AND l.classoid = 1260 AND l.provider = 'pgaadauth')
      AS labelled FROM pg_roles AS r WHERE rolname = $1`,
    [principalName],
  );
  if (existing?.labelled === false) {
    throw new Error(`Role "${principalName}" exists on the server and is not a Microsoft Entra role.`);
  }
  const name = existing === undefined ? "pgaadauth_create_principal_with_oid" : "pgaadauth_update_principal_with_oid";
  await cluster.query(`SELECT ${name}($1, $2, $3, true, false)`, [principalName, objectId, type]);
};

/**
 * Takes a principal's administration away. A role that owns something cannot be dropped: it stays, without rights and
 * without login. @returns false when no administrator has this object id.
 */
export const deleteAdministrator = async (cluster: Cluster, objectId: string): Promise<boolean> => {
  const roles = await cluster.query<{ name: string; type: "user" | "group" | "service" }>(
    `SELECT rolname AS name, principalType AS type FROM pgaadauth_list_principals(true) WHERE objectId = $1`,
    [objectId.toLowerCase()],
  );
  for (const { name, type } of roles) {
    try {
      await cluster.query(`DROP ROLE ${identifier(name)}`);
    } catch (error) {
      // 2BP01: other objects depend on it.
      if (!failedWith(error, "2BP01")) throw error;
      await cluster.query("SELECT pgaadauth_update_principal_with_oid($1, $2, $3, false, false)", [
        name,
        objectId,
        type,
      ]);
      await cluster.query(`ALTER ROLE ${identifier(name)} NOLOGIN`);
    }
    await cluster.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1", [name]);
  }
  return roles.length > 0;
};

/** Sets the password of `administratorLogin`, creating the role when the server has none of that name. */
export const putAdministratorLogin = async (cluster: Cluster, login: string, password: string): Promise<void> => {
  const existing = await cluster.query("SELECT 1 FROM pg_roles WHERE rolname = $1", [login]);
  const statements =
    existing.length > 0
      ? [setPassword(login, verifier(password))]
      : createAdministratorLogin(login, verifier(password));
  for (const statement of statements) await cluster.query(statement);
};

export interface Parameter {
  readonly name: string;
  readonly value: string;
  readonly defaultValue: string;
  readonly description: string;
  readonly dataType: "Boolean" | "Enumeration" | "Integer" | "Numeric" | "String";
  /** Enumerations: the values, comma-separated; numbers: `least-greatest`; else empty. */
  readonly allowedValues: string;
  readonly unit: string;
  /** Takes effect without a restart. */
  readonly dynamic: boolean;
  readonly readOnly: boolean;
  readonly pendingRestart: boolean;
  /** Set by somebody, on the server. */
  readonly changed: boolean;
}

interface SettingRow {
  readonly name: string;
  readonly setting: string;
  readonly boot_val: string | null;
  readonly short_desc: string;
  readonly vartype: string;
  readonly enumvals: readonly string[] | null;
  readonly min_val: string | null;
  readonly max_val: string | null;
  readonly unit: string | null;
  readonly context: string;
  readonly pending_restart: boolean;
  readonly sourcefile: string | null;
}

const dataTypes: Readonly<Record<string, Parameter["dataType"]>> = {
  bool: "Boolean",
  enum: "Enumeration",
  integer: "Integer",
  real: "Numeric",
};

const allowedValues = ({ vartype, enumvals, min_val: least, max_val: greatest }: SettingRow): string => {
  if (vartype === "bool") return "on,off";
  if (enumvals !== null) return enumvals.join(",");
  return least === null || greatest === null ? "" : `${least}-${greatest}`;
};

/** The server's parameters, as ARM's `configurations` shows them. */
export const listParameters = async (cluster: Cluster): Promise<Parameter[]> => {
  const rows = await cluster.query<SettingRow & Record<string, unknown>>(
    `SELECT name, setting, boot_val, short_desc, vartype, enumvals, min_val, max_val, unit, context, pending_restart,
      sourcefile FROM pg_settings ORDER BY name`,
  );
  return rows.map((row) => ({
    name: row.name,
    value: row.setting,
    defaultValue: row.boot_val ?? "",
    description: row.short_desc,
    dataType: dataTypes[row.vartype] ?? "String",
    allowedValues: allowedValues(row),
    unit: row.unit ?? "",
    dynamic: row.context !== "postmaster",
    readOnly: row.context === "internal" || pinned.test(row.name),
    pendingRestart: row.pending_restart,
    changed: row.sourcefile?.endsWith("postgresql.auto.conf") === true,
  }));
};

/** Parameters that would name programs, files or libraries, open listeners or weaken durability. */
const pinned =
  /command|librar|director|_file|filename|_path$|^ssl|^krb|gss|^unix_socket|^listen|^port$|^preload|jit_provider|^allow_|^fsync$|full_page|^zero_damaged|^ignore_|^archive|^restore|^recovery|^primary|^log_min_error_statement$|^log_destination$|^logging_collector$|^syslog|^event_source|password_encryption|^data_|^config|^hba|^ident|^ldap|^krb|^pam/;

/**
 * Sets a server parameter, or resets it (undefined).
 * @returns whether it takes effect only after a restart. @throws when it is unknown, read-only or pinned by the product.
 */
export const setParameter = async (
  cluster: Cluster,
  name: string,
  value: string | undefined,
): Promise<{ readonly restart: boolean }> => {
  const [setting] = await cluster.query<{ context: string }>("SELECT context FROM pg_settings WHERE name = $1", [name]);
  if (setting === undefined) throw new Error(`PostgreSQL has no parameter ${name}.`);
  if (setting.context === "internal" || pinned.test(name)) {
    throw new Error(`Parameter ${name} cannot be changed on this server.`);
  }
  const action = value === undefined ? `RESET ${identifier(name)}` : `SET ${identifier(name)} = ${literal(value)}`;
  await cluster.query(`ALTER SYSTEM ${action}`);
  // The reload is asynchronous; what is set now is seen by the next login.
  await cluster.query("SELECT pg_reload_conf()");
  return { restart: setting.context === "postmaster" };
};
