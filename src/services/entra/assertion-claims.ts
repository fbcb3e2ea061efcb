/** What a client assertion says, before anything of it is believed. */
import { decodeJwt, decodeProtectedHeader } from "jose";
import { entraFault } from "./faults.ts";

/** Entra takes clocks that are five minutes apart. */
const skew = 300;

export interface Claims {
  readonly iss: string;
  readonly sub: string;
  readonly audiences: readonly string[];
  /** Seconds since the epoch. */
  readonly nbf: number;
  /** Seconds since the epoch. */
  readonly exp: number;
  readonly kid: string | undefined;
  /** Thumbprints of the certificate, base64url: SHA-1 and SHA-256. */
  readonly x5t: string | undefined;
  readonly x5tS256: string | undefined;
}

/** Undefined: it is no JWT, or lacks what every assertion has. */
export const readClaims = (assertion: string): Claims | undefined => {
  try {
    const { iss, sub, aud, nbf, iat, exp } = decodeJwt(assertion);
    const { kid, x5t, "x5t#S256": x5tS256 } = decodeProtectedHeader(assertion);
    if (typeof iss !== "string" || typeof sub !== "string" || typeof exp !== "number") return undefined;
    const from = nbf ?? iat ?? 0;
    if (typeof from !== "number") return undefined;
    // jose decodes without looking: every member may be anything.
    const audiences = [aud as unknown].flat().filter((each) => typeof each === "string");
    const text = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);
    return { iss, sub, audiences, nbf: from, exp, kid: text(kid), x5t: text(x5t), x5tS256: text(x5tS256) };
  } catch {
    return undefined;
  }
};

/** @param milliseconds what the clock says that the assertion was dated by @throws AADSTS700024 */
export const requireValidNow = (claims: Claims, milliseconds: number): void => {
  const now = Math.floor(milliseconds / 1000);
  if (claims.exp + skew <= now || claims.nbf - skew > now)
    throw entraFault(700024, { now: iso(now), from: iso(claims.nbf), until: iso(claims.exp) });
};

const iso = (seconds: number): string => {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? String(seconds) : date.toISOString();
};
