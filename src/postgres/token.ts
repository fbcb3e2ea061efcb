/** Entra tokens as PostgreSQL passwords: what is checked, and what a refused client is told. */
import type { Refusal } from "./front-door/protocol.ts";

/** A principal whose token was verified. */
export interface TokenPrincipal {
  readonly oid: string;
  /** `service` for applications and managed identities. */
  readonly type: "user" | "service";
  /** Object ids of the groups it belongs to. */
  readonly groups: readonly string[];
  readonly claims: Readonly<Record<string, unknown>>;
}

export type TokenVerdict =
  | ({ readonly ok: true } & TokenPrincipal)
  | {
      readonly ok: false;
      readonly reason: "expired" | "not-yet-valid" | "audience" | "issuer" | "signature" | "malformed";
    };

/**
 * Checks signature, issuer, `nbf`/`exp` by the tenant's clock and audience. Supplied by the tenant; must not throw for
 * whatever text it is given.
 */
export type TokenVerifier = (token: string) => Promise<TokenVerdict>;

/** The audience, which real clients ask for with and without a trailing slash. */
export const audiences: readonly string[] = [
  "https://ossrdbms-aad.database.windows.net",
  "https://ossrdbms-aad.database.windows.net/",
];

/** What the label of a role says: `aadauth,oid=<guid>,type=user|group|service[,admin][,mfa]`. */
export interface Label {
  readonly oid: string;
  readonly type: "user" | "group" | "service";
  readonly admin: boolean;
  readonly mfa: boolean;
}

/** @returns undefined when it cannot be understood; such a role admits nobody. */
export const parseLabel = (text: string): Label | undefined => {
  const [scheme, ...parts] = text.split(",").map((part) => part.trim());
  const value = (name: string): string =>
    parts.find((part) => part.startsWith(`${name}=`))?.slice(name.length + 1) ?? "";
  const oid = value("oid").toLowerCase();
  const type = value("type").toLowerCase();
  if (scheme !== "aadauth" || !/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(oid)) return undefined;
  if (type !== "user" && type !== "group" && type !== "service") return undefined;
  return { oid, type, admin: parts.includes("admin"), mfa: parts.includes("mfa") };
};

export type TokenDecision =
  | { readonly ok: true; readonly oid: string }
  /** `reason` is for the record, `refusal` for the client. */
  | { readonly ok: false; readonly oid?: string; readonly reason: string; readonly refusal: Refusal };

const code = "28000";

/** Texts as users of the real service quote them; codes other than the service principal's are not verified. */
const invalid: Readonly<Record<string, Refusal>> = {
  expired: { code, message: "The access token has expired. Please acquire a new token and retry." },
  audience: {
    code,
    message: `The access token does not have a valid audience claim. Please acquire a new token for the resource "${audiences[0]}".`,
  },
  other: { code, message: "An error occurred while validating the access token. Please acquire a new token and retry" },
};

const refused = (reason: string): TokenDecision => ({
  ok: false,
  reason: `token: ${reason}`,
  refusal: invalid[reason] ?? invalid["other"] ?? { code, message: "Invalid token." },
});

const hint = "Did you specify the correct user name and access token?";

const includesMfa = (claims: TokenPrincipal["claims"]): boolean => {
  const methods = claims["amr"];
  return Array.isArray(methods) && methods.includes("mfa");
};

const hasAudience = ({ aud }: Readonly<Record<string, unknown>>): boolean =>
  (Array.isArray(aud) ? aud : [aud]).some((one) => typeof one === "string" && audiences.includes(one));

/** Names never matter: a new principal with an old name is refused, by object id. */
const belongs = (label: Label, principal: TokenPrincipal): boolean => {
  const oid = principal.oid.toLowerCase();
  switch (label.type) {
    case "group":
      return principal.groups.some((group) => group.toLowerCase() === label.oid);
    case "service":
    case "user":
      return oid === label.oid && principal.type === label.type;
  }
};

const foreign = (role: string, label: Label): Refusal => {
  switch (label.type) {
    case "service":
      return {
        code,
        message: `Service principals cannot generate AAD_AUTH_TOKENTYPE_APP_USER tokens for role "${role}"`,
      };
    case "group":
      return {
        code,
        message: `Azure AD access token not valid for role ${role} (does not contain group ID ${label.oid})`,
        hint,
      };
    case "user":
      return { code, message: `Azure AD access token not valid for role ${role}`, hint };
  }
};

/** May the holder of this token log in as this role? */
export const decideToken = (role: string, label: Label, verdict: TokenVerdict): TokenDecision => {
  if (!verdict.ok) return refused(verdict.reason);
  const { oid } = verdict;
  // The verifier has checked it; a verifier for another service's tokens must not open a database.
  if (!hasAudience(verdict.claims)) return refused("audience");
  if (!belongs(label, verdict)) {
    const reason = `token of ${verdict.type} ${oid}, role belongs to ${label.type} ${label.oid}`;
    return { ok: false, oid, reason, refusal: foreign(role, label) };
  }
  if (label.mfa && !includesMfa(verdict.claims)) {
    const message = `Azure AD access token not valid for role ${role} (does not contain the mfa claim)`;
    return { ok: false, oid, reason: "token: no mfa claim", refusal: { code, message, hint } };
  }
  return { ok: true, oid };
};
