/** A decision as it is kept and shown: flat, without claims and grants, the same on disk, on the socket and in `--json`. */
import { type Caller, describeCaller } from "../kernel/caller.ts";
import { type Check, type Decision, refused } from "../kernel/decision.ts";

export interface LogCheck {
  readonly kind: "action" | "data";
  readonly name: string;
  readonly scope: string;
  readonly allowed: boolean;
  /** The assignment or rule that allowed it. */
  readonly via?: string;
  readonly reason?: string;
  /** What would allow it. */
  readonly hint?: string;
}

export interface LogEntry {
  readonly id: string;
  readonly parent?: string;
  /** ISO 8601, tenant time. */
  readonly time: string;
  readonly caller: string;
  /** Object id of a principal. */
  readonly principal?: string;
  readonly app?: string;
  readonly service: string;
  readonly operation: string;
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly status: number;
  readonly refused: boolean;
  readonly error?: string;
  readonly message?: string;
  readonly hint?: string;
  readonly checks: readonly LogCheck[];
  readonly milliseconds: number;
}

/** Longer texts are a client's doing (absurd paths): the log keeps their beginning. */
const cut = (text: string): string => (text.length <= 600 ? text : `${text.slice(0, 599)}…`);

const nameOf = (caller: Caller | undefined, names: ReadonlyMap<string, string>): string => {
  if (caller === undefined) return "unauthenticated";
  const known = caller.kind === "principal" ? names.get(caller.objectId) : undefined;
  return known ?? describeCaller(caller);
};

/** @param names what principals are called, by object id */
export const logEntry = (decision: Decision, names: ReadonlyMap<string, string>): LogEntry => {
  const { parent, caller, app, error, message, hint } = decision;
  // Filled in place: there is one for every request, and each conditional spread would copy what is there.
  const entry: { -readonly [Member in keyof LogEntry]: LogEntry[Member] } = {
    id: decision.id,
    time: new Date(decision.time).toISOString(),
    caller: cut(nameOf(caller, names)),
    service: decision.service,
    operation: decision.operation,
    method: decision.method,
    host: cut(decision.host),
    path: cut(decision.path),
    status: decision.status,
    refused: refused(decision),
    checks: decision.checks.map(logCheck),
    milliseconds: Math.round(decision.milliseconds * 100) / 100,
  };
  if (parent !== undefined) entry.parent = parent;
  if (caller?.kind === "principal") entry.principal = caller.objectId;
  if (app !== undefined) entry.app = app;
  if (error !== undefined) entry.error = error;
  if (message !== undefined) entry.message = cut(message);
  if (hint !== undefined) entry.hint = hint;
  return entry;
};

const logCheck = ({ need: { kind, name, scope }, verdict }: Check): LogCheck => {
  if (verdict.allowed) return { kind, name, scope, allowed: true, via: verdict.via };
  const { reason, hint } = verdict;
  return hint === undefined
    ? { kind, name, scope, allowed: false, reason }
    : { kind, name, scope, allowed: false, reason, hint };
};

// Clients choose paths and names: nothing of theirs may move a terminal's cursor or forge a second line.
const printable = (text: string): string => text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "\u{FFFD}");

const shortCaller = (caller: string): string => {
  const resource = /\/providers\/[^ ]*\/([^/ ]+)$/.exec(caller);
  return resource === null ? caller : `${caller.slice(0, caller.indexOf("/"))}${resource[1]}`;
};

/** Without the sentence that says again what is missing; `az` is the tenant's, not the one of the real cloud. */
const shortHint = (hint: string, { kind, name, scope }: LogCheck): string => {
  const said = `No role assignment grants the ${kind === "data" ? "data action" : "action"} '${name}' at '${scope}'.`;
  return (hint.startsWith(said) ? hint.slice(said.length).trimStart() : hint).replace(
    /^To allow it: az /,
    "to allow it: lanyard az ",
  );
};

/**
 * One line: time, caller, service, operation, status; for a refusal also the missing action, the scope and what would
 * allow it; for another error its code.
 */
export const requestLine = (entry: LogEntry): string => {
  const time = new Date(entry.time).toTimeString().slice(0, 8);
  const head = [
    time,
    shortCaller(entry.caller).padEnd(18),
    entry.service.padEnd(8),
    entry.operation.padEnd(24),
    String(entry.status),
  ].join("  ");
  const missing = entry.checks.find((check) => !check.allowed);
  if (missing !== undefined) {
    const why = `lacks ${missing.name} at ${missing.scope}`;
    const hint = shortHint(missing.hint ?? missing.reason ?? entry.hint ?? "", missing);
    return printable(`${head}  ${why}${hint === "" ? "" : `; ${hint}`}`);
  }
  if (entry.status < 400) return printable(head);
  const said = [entry.error, entry.refused ? (entry.hint ?? entry.message) : undefined].filter(Boolean).join(": ");
  const where = entry.operation === "Unmatched" ? `  ${entry.method} ${entry.host}${entry.path}` : "";
  return printable(`${head}  ${said}${where}`);
};
