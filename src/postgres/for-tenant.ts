/** Fits the engine to a tenant: its tokens, its directory, its record of decisions. */
import { type Eventually } from "../kernel/eventually.ts";
import type { TokenCaller } from "../kernel/caller.ts";
import type { Clock } from "../kernel/clock.ts";
import type { DecisionSink } from "../kernel/decision.ts";
import type { Ids } from "../kernel/ids.ts";
import type { LoginDecision } from "./admission.ts";
import type { DirectoryPrincipal } from "./directory.ts";
import { domain, type Certificate } from "./front-door/gate.ts";
import { openPostgres, type Postgres } from "./postgres.ts";
import { audiences, type TokenVerifier } from "./token.ts";

/** The parts of a tenant that the engine needs, in the tenant's own words. */
export interface TenantParts {
  /** Folder of the engine's own inside the tenant's state, and one inside its runtime folder (short). */
  readonly stateDirectory: string;
  readonly runtimeDirectory: string;
  readonly tenantId: string;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly decisions: DecisionSink;
  readonly certificates: { serverFor(host: string): Certificate | Promise<Certificate> };
  readonly verifier: {
    verify(
      token: string,
      audiences: (audience: string) => boolean,
    ): Eventually<
      { readonly ok: true; readonly caller: TokenCaller } | { readonly ok: false; readonly problem: string }
    >;
  };
  readonly directory: {
    list(): Promise<readonly Principal[]>;
    principal(objectId: string): Promise<Principal | undefined>;
    groupsOf(objectId: string): Promise<readonly string[]>;
  };
  readonly ports?: readonly number[];
}

type Principal =
  | { readonly kind: "User"; readonly objectId: string; readonly userPrincipalName: string }
  | { readonly kind: "Group"; readonly objectId: string; readonly displayName: string }
  | {
      readonly kind: "ServicePrincipal";
      readonly objectId: string;
      readonly displayName: string;
      readonly appId: string;
    };

const types = { User: "user", Group: "group", ServicePrincipal: "service" } as const;

const nameOf = (principal: Principal): string =>
  principal.kind === "User" ? principal.userPrincipalName : principal.displayName;

const entry = (principal: Principal): DirectoryPrincipal => ({
  name: nameOf(principal),
  objectId: principal.objectId,
  type: types[principal.kind],
});

const problems = ["expired", "not-yet-valid", "audience", "issuer", "signature", "malformed"] as const;

const verifierOf =
  ({ verifier, directory }: TenantParts): TokenVerifier =>
  async (token) => {
    const verification = await verifier.verify(token, (audience) => audiences.includes(audience));
    if (!verification.ok) {
      return { ok: false, reason: problems.find((known) => known === verification.problem) ?? "malformed" };
    }
    const { objectId, type, groups, claims } = verification.caller;
    // Membership as it is now, and as it was when the token was made: tokens of many groups carry none.
    const now = await directory.groupsOf(objectId);
    return {
      ok: true,
      oid: objectId,
      type: type === "User" ? "user" : "service",
      groups: [...new Set([...groups, ...now])],
      claims,
    };
  };

const callerOf = async (
  { directory, tenantId }: TenantParts,
  oid: string | undefined,
): Promise<TokenCaller | undefined> => {
  const principal = oid === undefined ? undefined : await directory.principal(oid);
  if (principal === undefined) return undefined;
  return {
    kind: "principal",
    objectId: principal.objectId,
    tenantId,
    type: principal.kind,
    appId: principal.kind === "ServicePrincipal" ? principal.appId : "",
    name: nameOf(principal),
    groups: [],
    claims: {},
  };
};

/** A login as a line of the request log: 200, or 401 with the reason. */
const record = async (parts: TenantParts, decision: LoginDecision): Promise<void> => {
  const { server, database, user, oid, allowed, reason } = decision;
  const caller = await callerOf(parts, oid);
  const host = `${server}${domain}`;
  parts.decisions.record({
    id: parts.ids.guid(),
    time: parts.clock.now(),
    service: "postgres",
    operation: "Login",
    method: "LOGIN",
    host,
    path: `/${database}`,
    caller: caller ?? { kind: "secret", scheme: "PostgreSQL role", name: user, grant: {} },
    checks: [
      {
        need: { kind: "data", name: `login as role ${user}`, scope: `${host}/${database}` },
        verdict: allowed
          ? { allowed: true, via: `PostgreSQL role ${user}` }
          : { allowed: false, reason, cause: "postgres-role" },
      },
    ],
    status: allowed ? 200 : 401,
    ...(allowed ? {} : { message: reason }),
    milliseconds: 0,
  });
};

export const openTenantPostgres = async (parts: TenantParts): Promise<Postgres> =>
  openPostgres({
    stateDirectory: parts.stateDirectory,
    runtimeDirectory: parts.runtimeDirectory,
    certificate: async (host) => parts.certificates.serverFor(host),
    verify: verifierOf(parts),
    onDecision: (decision) => {
      // Recording never delays or fails a login.
      void record(parts, decision).catch(() => {});
    },
    directory: async () => ({ tenantId: parts.tenantId, principals: (await parts.directory.list()).map(entry) }),
    ...(parts.ports === undefined ? {} : { ports: parts.ports }),
  });
