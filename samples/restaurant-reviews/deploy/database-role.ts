import type { TokenCredential } from "@azure/identity";
import { Client, DatabaseError, escapeIdentifier, escapeLiteral } from "pg";
import { accessToken } from "./deployer.ts";

const POSTGRESQL_SCOPE = "https://ossrdbms-aad.database.windows.net/.default";

export interface RoleRequest {
  readonly host: string;
  readonly database: string;
  /** The Entra administrator who does this: the deployer's database role. */
  readonly administrator: string;
  /** The role that the app logs in with, as Service Connector wrote it into the app's settings. */
  readonly role: string;
  /** Object id of the app's managed identity. */
  readonly principalId: string;
}

/** The server's firewall keeps this address out; it is the one to open. */
export class FirewallError extends Error {
  readonly address: string;
  constructor(address: string, cause: unknown) {
    super(`The server's firewall does not admit ${address}`, { cause });
    this.name = "FirewallError";
    this.address = address;
  }
}

/**
 * Creates the database role of a managed identity and lets it create tables. Service Connector writes settings only;
 * roles are made by an Entra administrator.
 * https://learn.microsoft.com/azure/postgresql/flexible-server/how-to-manage-azure-ad-users
 * Says whether the role is new, and fails unless it can do what the app needs.
 */
export async function ensureDatabaseRole(
  credential: TokenCredential,
  request: RoleRequest,
): Promise<"created" | "changed" | "kept"> {
  const { role, principalId, database } = request;
  // The pgaadauth functions exist in the database "postgres" only.
  const outcome = await withClient(credential, request, "postgres", async (client) => {
    const result = await ensureRole(client, role, principalId);
    await client.query(`GRANT ALL PRIVILEGES ON DATABASE ${escapeIdentifier(database)} TO ${escapeIdentifier(role)}`);
    return result;
  });
  await withClient(credential, request, database, async (client) => {
    // Since PostgreSQL 15 nobody but the database's owner may create in "public" unasked; the app's migration does.
    await client.query(`GRANT USAGE, CREATE ON SCHEMA public TO ${escapeIdentifier(role)}`);
    const { rows } = await client.query<{ allowed: boolean }>(
      "select has_schema_privilege($1, 'public', 'CREATE') as allowed",
      [role],
    );
    // A grant by somebody who may not give it is only a warning to PostgreSQL.
    if (!rows[0]?.allowed) {
      throw new Error(
        `${role} may not create tables in ${database}: ${request.administrator} could not grant CREATE on schema public.`,
      );
    }
  });
  return outcome;
}

async function ensureRole(client: Client, role: string, principalId: string): Promise<"created" | "changed" | "kept"> {
  const { rows: known } = await client.query("select 1 from pg_roles where rolname = $1", [role]);
  if (known.length === 0) {
    await client.query("select * from pgaadauth_create_principal_with_oid($1, $2, 'service', false, false)", [
      role,
      principalId,
    ]);
    return "created";
  }
  // The role of an app that was deleted and made anew still belongs to the old identity.
  const { rows } = await client.query<Record<string, unknown>>("select * from pgaadauth_list_principals(false)");
  const current = rows.find((row) => Object.values(row).includes(role));
  if (current && Object.values(current).includes(principalId)) return "kept";
  const label = `aadauth,oid=${principalId},type=service`;
  await client.query(`SECURITY LABEL FOR "pgaadauth" ON ROLE ${escapeIdentifier(role)} IS ${escapeLiteral(label)}`);
  return "changed";
}

async function withClient<T>(
  credential: TokenCredential,
  { host, administrator }: RoleRequest,
  database: string,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const client = new Client({
    host,
    port: 5432,
    user: administrator,
    database,
    password: await accessToken(credential, POSTGRESQL_SCOPE),
    ssl: { rejectUnauthorized: true },
    connectionTimeoutMillis: 20_000,
  });
  try {
    await client.connect();
    return await work(client);
  } catch (error) {
    const address =
      error instanceof DatabaseError && /no pg_hba\.conf entry for host "([\d.]+)"/.exec(error.message)?.[1];
    throw address ? new FirewallError(address, error) : error;
  } finally {
    await client.end().catch(() => undefined);
  }
}
