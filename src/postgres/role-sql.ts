/**
 * The role model of a flexible server, in SQL. Run once per cluster by the superuser `azuresu`, in single-user mode; every
 * statement may run again on a cluster that an earlier version of the product made.
 *
 * Sources: "Manage Microsoft Entra roles in Azure Database for PostgreSQL flexible server" (functions, label, what an
 * administrator may), "Create users in Azure Database for PostgreSQL flexible server" (azure_pg_admin).
 *
 * A statement must not hold an empty line: in single-user mode `;` and an empty line end it.
 */

/** The product's own superuser. Nobody logs in with it through the front door. */
export const superuser = "azuresu";

/**
 * Hidden NOLOGIN group of the Entra administrators. Rights over Entra roles hang on membership here, never on the text of
 * a label: a label is data that a role with CREATEROLE might be able to write. From PostgreSQL 16 the group also holds
 * ADMIN on every Entra role, because CREATEROLE no longer reaches roles that somebody else created.
 */
export const entraAdministrators = "lanyard_entra_admins";

/** The file that the product writes for look-ups by name, relative to the data directory. */
export const directoryFile = "lanyard_directory.json";

const createRole = (name: string, options: string): string =>
  `DO $do$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '${name}') THEN CREATE ROLE ${name} ${options}; END IF; END $do$`;

/** Predefined roles that a server administrator may use and pass on; the ones a major version lacks are left out. */
const grantPredefined = `DO $do$
DECLARE predefined name;
BEGIN
  FOR predefined IN SELECT rolname FROM pg_roles WHERE rolname IN (
    'pg_read_all_settings', 'pg_read_all_stats', 'pg_stat_scan_tables', 'pg_signal_backend', 'pg_monitor',
    'pg_checkpoint', 'pg_create_subscription', 'pg_maintain')
  LOOP
    EXECUTE format('GRANT %I TO azure_pg_admin WITH ADMIN OPTION', predefined);
  END LOOP;
END $do$`;

const definer = `SECURITY DEFINER SET search_path = pg_catalog, pg_temp`;

const requireAdministrator = `CREATE OR REPLACE FUNCTION pg_catalog.lanyard_require_entra_admin() RETURNS void
LANGUAGE plpgsql ${definer} AS $fn$
BEGIN
  IF session_user <> '${superuser}' AND NOT pg_has_role(session_user, '${entraAdministrators}', 'MEMBER') THEN
    RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = 'permission denied to manage Microsoft Entra roles',
      DETAIL = 'Only Microsoft Entra administrators of this server may manage Microsoft Entra roles.';
  END IF;
END $fn$`;

/** Rights and label of one role. `pg_shseclabel` is written directly, so that this works without a label provider. */
const applyPrincipal = `CREATE OR REPLACE FUNCTION pg_catalog.lanyard_apply_principal(
  role_name text, object_id text, object_type text, is_admin boolean, is_mfa boolean) RETURNS void
LANGUAGE plpgsql ${definer} SET allow_system_table_mods = on AS $fn$
DECLARE
  role_oid oid;
  is_super boolean;
BEGIN
  IF object_id !~* '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$' THEN
    RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = format('"%s" is not a valid object id', object_id);
  END IF;
  IF lower(object_type) NOT IN ('user', 'group', 'service') THEN
    RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = format('"%s" is not a valid object type', object_type),
      HINT = 'Use user, group or service.';
  END IF;
  SELECT oid, rolsuper INTO role_oid, is_super FROM pg_authid WHERE rolname = role_name::name;
  IF NOT FOUND THEN
    RAISE EXCEPTION USING ERRCODE = '42704', MESSAGE = format('role "%s" does not exist', role_name);
  END IF;
  IF is_super OR role_name IN ('azure_pg_admin', '${entraAdministrators}') OR role_name LIKE 'pg\\_%' THEN
    RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = format('role "%s" cannot be a Microsoft Entra role', role_name);
  END IF;
  IF is_admin THEN
    EXECUTE format('REVOKE %I FROM ${entraAdministrators}', role_name);
    EXECUTE format('ALTER ROLE %I LOGIN CREATEDB CREATEROLE', role_name);
    EXECUTE format('GRANT azure_pg_admin TO %I WITH ADMIN OPTION', role_name);
    EXECUTE format('GRANT ${entraAdministrators} TO %I', role_name);
  ELSE
    IF pg_has_role(role_oid, '${entraAdministrators}', 'MEMBER') THEN
      EXECUTE format('REVOKE ${entraAdministrators}, azure_pg_admin FROM %I CASCADE', role_name);
      EXECUTE format('ALTER ROLE %I NOCREATEDB NOCREATEROLE', role_name);
    END IF;
    IF current_setting('server_version_num')::int >= 160000 THEN
      EXECUTE format('GRANT %I TO ${entraAdministrators} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE', role_name);
    END IF;
  END IF;
  DELETE FROM pg_shseclabel WHERE provider = 'pgaadauth' AND classoid = 1260 AND objoid = role_oid;
  INSERT INTO pg_shseclabel (objoid, classoid, provider, label) VALUES (role_oid, 1260, 'pgaadauth',
    'aadauth,oid=' || lower(object_id) || ',type=' || lower(object_type)
    || CASE WHEN is_admin THEN ',admin' ELSE '' END || CASE WHEN is_mfa THEN ',mfa' ELSE '' END);
END $fn$`;

const createWithOid = (name: string): string => `CREATE OR REPLACE FUNCTION pg_catalog.${name}(
  roleName text, objectId text, objectType text, isAdmin boolean, isMfa boolean) RETURNS text
LANGUAGE plpgsql ${definer} AS $fn$
BEGIN
  PERFORM lanyard_require_entra_admin();
  IF octet_length(roleName) > 63 THEN
    RAISE EXCEPTION USING ERRCODE = '42622', MESSAGE = format('role name "%s" is longer than 63 bytes', roleName);
  END IF;
  EXECUTE format('CREATE ROLE %I WITH LOGIN', roleName);
  PERFORM lanyard_apply_principal(roleName, objectId, objectType, isAdmin, isMfa);
  RETURN format('Created role for "%s"', roleName);
END $fn$`;

const createByName = `CREATE OR REPLACE FUNCTION pg_catalog.pgaadauth_create_principal(
  roleName text, isAdmin boolean, isMfa boolean) RETURNS text
LANGUAGE plpgsql ${definer} AS $fn$
DECLARE
  found jsonb;
BEGIN
  PERFORM lanyard_require_entra_admin();
  SELECT jsonb_agg(entry) INTO found
    FROM jsonb_array_elements(pg_read_file('${directoryFile}')::jsonb -> 'principals') AS entry
    WHERE lower(entry ->> 'name') = lower(roleName);
  IF found IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = '42704',
      MESSAGE = format('Could not validate AAD user %s because its name is not found in the tenant.', roleName);
  END IF;
  IF jsonb_array_length(found) > 1 THEN
    RAISE EXCEPTION USING ERRCODE = '42725',
      MESSAGE = format('Could not validate AAD user %s because its name is not unique in the tenant.', roleName),
      HINT = 'Use pgaadauth_create_principal_with_oid.';
  END IF;
  RETURN pgaadauth_create_principal_with_oid(roleName, found -> 0 ->> 'objectId', found -> 0 ->> 'type', isAdmin, isMfa);
END $fn$`;

const updateWithOid = `CREATE OR REPLACE FUNCTION pg_catalog.pgaadauth_update_principal_with_oid(
  roleName text, objectId text, objectType text, isAdmin boolean, isMfa boolean) RETURNS text
LANGUAGE plpgsql ${definer} AS $fn$
BEGIN
  PERFORM lanyard_require_entra_admin();
  PERFORM lanyard_apply_principal(roleName, objectId, objectType, isAdmin, isMfa);
  RETURN format('Updated role for "%s"', roleName);
END $fn$`;

const dropIfExists = `CREATE OR REPLACE FUNCTION pg_catalog.pgaadauth_drop_principal_if_exists(roleName text) RETURNS text
LANGUAGE plpgsql ${definer} AS $fn$
BEGIN
  PERFORM lanyard_require_entra_admin();
  IF NOT EXISTS (SELECT FROM pg_shseclabel AS l JOIN pg_authid AS r ON r.oid = l.objoid
      WHERE l.provider = 'pgaadauth' AND l.classoid = 1260 AND r.rolname = roleName::name) THEN
    RETURN format('No Microsoft Entra role "%s"', roleName);
  END IF;
  EXECUTE format('DROP ROLE %I', roleName);
  RETURN format('Dropped role for "%s"', roleName);
END $fn$`;

const list = `CREATE OR REPLACE FUNCTION pg_catalog.pgaadauth_list_principals(isAdminValue boolean)
RETURNS TABLE (rolname name, principalType text, objectId text, tenantId text, isMfa integer, isAdmin integer)
LANGUAGE sql STABLE ${definer} AS $fn$
  SELECT r.rolname, substring(l.label FROM ',type=([a-z]+)'), substring(l.label FROM ',oid=([0-9a-f-]+)'),
    pg_read_file('${directoryFile}')::jsonb ->> 'tenantId',
    (l.label ~ ',mfa(,|$)')::int, (l.label ~ ',admin(,|$)')::int
  FROM pg_shseclabel AS l JOIN pg_authid AS r ON r.oid = l.objoid
  WHERE l.provider = 'pgaadauth' AND l.classoid = 1260 AND (NOT isAdminValue OR l.label ~ ',admin(,|$)')
  ORDER BY r.rolname
$fn$`;

/**
 * On flexible servers schema public belongs to azure_pg_admin in every database, also from PostgreSQL 15 on, where it is
 * the database's owner elsewhere: so any administrator can grant on it, whoever created the database, and owning a
 * database alone does not let one create in it. Observed by users of the product, e.g. github.com/frappe/frappe/issues/39145.
 */
export const publicSchemaOwner = "ALTER SCHEMA public OWNER TO azure_pg_admin";

/** For database `postgres` of every cluster: roles, rights and the `pgaadauth_*` functions, which exist only there. */
export const roleModel: readonly string[] = [
  createRole("azure_pg_admin", "NOLOGIN"),
  createRole(entraAdministrators, "NOLOGIN"),
  grantPredefined,
  "ALTER DATABASE postgres OWNER TO azure_pg_admin",
  publicSchemaOwner,
  requireAdministrator,
  applyPrincipal,
  createWithOid("pgaadauth_create_principal"),
  createWithOid("pgaadauth_create_principal_with_oid"),
  createByName,
  updateWithOid,
  dropIfExists,
  list,
  "REVOKE ALL ON FUNCTION pg_catalog.lanyard_require_entra_admin() FROM PUBLIC",
  "REVOKE ALL ON FUNCTION pg_catalog.lanyard_apply_principal(text, text, text, boolean, boolean) FROM PUBLIC",
];

/**
 * For `template1` and `postgres` of a server that asked for version 14 or older: there every role may create in schema
 * public, which migrations of that time rely on. From 15 on it may not.
 */
export const openPublicSchema = "GRANT ALL ON SCHEMA public TO PUBLIC";

/** @returns the name as an SQL identifier. */
export const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** @returns the text as an SQL literal. */
export const literal = (text: string): string => {
  const quoted = `'${text.replaceAll("'", "''")}'`;
  return text.includes("\\") ? ` E${quoted.replaceAll("\\", "\\\\")}` : quoted;
};

/** The server administrator of the ARM properties `administratorLogin` and `administratorLoginPassword`. */
export const createAdministratorLogin = (login: string, passwordVerifier: string): readonly string[] => [
  `CREATE ROLE ${identifier(login)} LOGIN INHERIT CREATEDB CREATEROLE PASSWORD ${literal(passwordVerifier)}`,
  `GRANT azure_pg_admin TO ${identifier(login)} WITH ADMIN OPTION`,
];

export const setPassword = (role: string, passwordVerifier: string): string =>
  `ALTER ROLE ${identifier(role)} PASSWORD ${literal(passwordVerifier)}`;
