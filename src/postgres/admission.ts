/** Who may log in to a server: the decisions behind the front door, taken from the roles and labels of its cluster. */
import type { Cluster } from "./cluster.ts";
import { domain, type Admission, type Attempt, type TokenAdmission } from "./front-door/gate.ts";
import type { Refusal } from "./front-door/protocol.ts";
import { entraAdministrators, identifier, setPassword } from "./role-sql.ts";
import { iterationsForSecrets, randomSecret, verifier } from "./scram.ts";
import { decideToken, parseLabel, type TokenVerifier } from "./token.ts";

/** ARM's `authConfig`. */
export interface AuthConfig {
  readonly activeDirectoryAuth: "Enabled" | "Disabled";
  readonly passwordAuth: "Enabled" | "Disabled";
}

/** One decided login, for the request log. */
export interface LoginDecision {
  readonly server: string;
  readonly database: string;
  readonly user: string;
  /** Object id of the token's principal, where one was recognised. */
  readonly oid?: string;
  readonly allowed: boolean;
  /** Why, in words for people. Holds no token and no password. */
  readonly reason: string;
}

/** What admission needs to know of a server. */
export interface AdmittingServer {
  readonly name: string;
  readonly cluster: Cluster;
  readonly authConfig: AuthConfig;
  /** Passwords that this process gave to token roles, by role oid; void when the server starts anew. */
  readonly secrets: Map<string, Promise<string>>;
  /** Stopped on request (ARM's `stop`): nobody logs in until it is started again. */
  readonly halted: boolean;
  /** Makes the tenant's directory current on the cluster, before an administrator looks names up. */
  refreshDirectory(): Promise<void>;
}

export interface AdmissionOptions {
  readonly find: (server: string) => AdmittingServer | undefined;
  readonly verify: TokenVerifier;
  readonly onDecision: (decision: LoginDecision) => void;
}

interface Role {
  readonly oid: string;
  readonly name: string;
  readonly superuser: boolean;
  readonly label: string | null;
  /** Member of the hidden group that may manage Entra roles. */
  readonly administrator: boolean;
}

const roleQuery = `SELECT r.oid::text AS oid, r.rolname AS name, r.rolsuper AS superuser, l.label,
  pg_has_role(r.oid, '${entraAdministrators}', 'MEMBER') AS administrator
FROM pg_authid AS r LEFT JOIN pg_shseclabel AS l
  ON l.objoid = r.oid AND l.classoid = 1260 AND l.provider = 'pgaadauth'
WHERE r.rolname = $1`;

const readRole = async ({ cluster }: AdmittingServer, name: string): Promise<Role | undefined> =>
  (await cluster.query<Role>(roleQuery, [name]))[0];

/** `user@server` of older clients is the role `user`; a UPN is a role name of its own. */
const findRole = async (server: AdmittingServer, user: string): Promise<Role | undefined> => {
  // PostgreSQL cuts role names at 63 bytes; a longer one would be looked up as another.
  if (Buffer.byteLength(user) > 63 + server.name.length + domain.length + 1) return undefined;
  const exact = Buffer.byteLength(user) > 63 ? undefined : await readRole(server, user);
  if (exact !== undefined) return exact;
  const suffix = [`@${server.name}`, `@${server.name}${domain}`].find((end) => user.toLowerCase().endsWith(end));
  return suffix === undefined ? undefined : readRole(server, user.slice(0, -suffix.length));
};

const wrongPassword = (user: string): Refusal => ({
  code: "28P01",
  message: `password authentication failed for user "${user}"`,
});

/** Sets a password that only this process knows; PostgreSQL is handed the verifier. */
const makeSecret = async ({ cluster }: AdmittingServer, role: Role): Promise<string> => {
  const secret = randomSecret();
  await cluster.query(setPassword(role.name, verifier(secret, iterationsForSecrets)));
  return secret;
};

const secretOf = async (server: AdmittingServer, role: Role, renew: boolean): Promise<string> => {
  const key = `${server.cluster.run}/${role.oid}`;
  const known = renew ? undefined : server.secrets.get(key);
  if (known !== undefined) return known;
  const made = makeSecret(server, role);
  server.secrets.set(key, made);
  made.catch(() => server.secrets.delete(key));
  return made;
};

/** `SECURITY LABEL`, which only an Entra administrator can use, makes and unmakes administrators too. */
const followLabel = async ({ cluster }: AdmittingServer, role: Role, admin: boolean): Promise<void> => {
  const [group, name] = [identifier(entraAdministrators), identifier(role.name)];
  // The group holds ADMIN on ordinary Entra roles; a role that joins the group must be freed of that first.
  await cluster.query(
    admin ? `REVOKE ${name} FROM ${group}; GRANT ${group} TO ${name}` : `REVOKE ${group} FROM ${name}`,
  );
};

export interface Admissions {
  begin(attempt: Attempt): Promise<Admission>;
  token(attempt: Attempt, token: string, renew: boolean): Promise<TokenAdmission>;
  outcome(attempt: Attempt, allowed: boolean, reason: string, oid?: string): void;
}

export const admissions = ({ find, verify, onDecision }: AdmissionOptions): Admissions => {
  const record = ({ server, database, user }: Attempt, allowed: boolean, reason: string, oid?: string): void => {
    onDecision({ server, database, user, allowed, reason, ...(oid === undefined ? {} : { oid }) });
  };

  const reject = (attempt: Attempt, refusal: Refusal, reason: string, oid?: string): Refusal => {
    record(attempt, false, reason, oid);
    return refusal;
  };

  const unavailable = (attempt: Attempt, error: unknown): Refusal =>
    reject(
      attempt,
      { code: "57P03", message: "The server could not be started." },
      `server could not be started: ${error instanceof Error ? error.message : String(error)}`,
    );

  const admit = async (attempt: Attempt): Promise<Admission> => {
    const server = find(attempt.server);
    if (server === undefined) {
      const refusal = { code: "08006", message: `There is no server ${attempt.server}${domain} here.` };
      return { kind: "refused", refusal: reject(attempt, refusal, "no such server") };
    }
    if (server.halted) {
      const refusal = { code: "57P03", message: "The server is stopped." };
      return { kind: "refused", refusal: reject(attempt, refusal, "the server is stopped") };
    }
    const role = await findRole(server, attempt.user);
    const { activeDirectoryAuth, passwordAuth } = server.authConfig;
    if (role?.superuser === true) {
      const reason = "the product's own superuser does not log in through the front door";
      return { kind: "refused", refusal: reject(attempt, wrongPassword(attempt.user), reason) };
    }
    if (typeof role?.label === "string") {
      if (activeDirectoryAuth === "Enabled") return { kind: "token" };
      const reason = "Microsoft Entra authentication is disabled on this server (authConfig.activeDirectoryAuth)";
      return { kind: "refused", refusal: reject(attempt, wrongPassword(attempt.user), reason) };
    }
    if (passwordAuth === "Disabled") {
      const reason =
        role === undefined
          ? "no such role"
          : "the role belongs to no Entra principal, and password authentication is disabled (authConfig.passwordAuth)";
      return { kind: "refused", refusal: reject(attempt, wrongPassword(attempt.user), reason) };
    }
    return { kind: "password", user: role?.name ?? attempt.user, socketPath: server.cluster.socketPath };
  };

  const admitToken = async (attempt: Attempt, token: string, renew: boolean): Promise<TokenAdmission> => {
    const server = find(attempt.server);
    // Looked up again: the answer counts now, not when the client was asked.
    const role = server === undefined ? undefined : await findRole(server, attempt.user);
    const label = typeof role?.label === "string" ? parseLabel(role.label) : undefined;
    if (server === undefined || server.halted || role === undefined || role.superuser || label === undefined) {
      return { ok: false, refusal: reject(attempt, wrongPassword(attempt.user), "the role has no usable label") };
    }
    const decision = decideToken(role.name, label, await verify(token));
    if (!decision.ok) return { ok: false, refusal: reject(attempt, decision.refusal, decision.reason, decision.oid) };
    if (label.admin !== role.administrator) await followLabel(server, role, label.admin);
    if (label.admin) await server.refreshDirectory();
    const secret = await secretOf(server, role, renew);
    return { ok: true, user: role.name, socketPath: server.cluster.socketPath, secret, oid: decision.oid };
  };

  return {
    begin: async (attempt) => {
      try {
        return await admit(attempt);
      } catch (error) {
        return { kind: "refused", refusal: unavailable(attempt, error) };
      }
    },
    token: async (attempt, token, renew) => {
      try {
        return await admitToken(attempt, token, renew);
      } catch (error) {
        return { ok: false, refusal: unavailable(attempt, error) };
      }
    },
    outcome: record,
  };
};
