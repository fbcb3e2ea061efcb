import { onceKnown } from "../kernel/eventually.ts";
import type { Fault } from "../kernel/fault.ts";
import type { Authenticator, Resolved } from "../kernel/service.ts";
import type { TokenVerifier, Verification } from "./verify.ts";

export type TokenRefusal = Verification & { ok: false };

/**
 * The authenticator of `Authorization: Bearer`. A token over clear text is refused like a bad one.
 * @param accepts audiences that a target accepts, compared by the service's own rule
 * @param refuse words the 401 of the surface
 */
export const bearer =
  <Target>(
    verifier: TokenVerifier,
    accepts: (audience: string, target: Target) => boolean,
    refuse: (refusal: TokenRefusal, exchange: Resolved<Target>) => Fault,
  ): Authenticator<Target> =>
  (exchange) => {
    const value = exchange.request.header("authorization");
    const token = value === undefined ? undefined : tokenOf(value);
    if (token === undefined) return undefined;
    const verified = verifier.verify(token, (audience) => accepts(audience, exchange.target));
    return onceKnown(verified, (verification) => {
      if (!verification.ok) throw refuse(verification, exchange);
      return verification.caller;
    });
  };

/** Without a pattern over the whole: tokens have kilobytes, and every request brings one. */
const tokenOf = (header: string): string | undefined => {
  const scheme = /^bearer +/i.exec(header);
  const token = scheme === null ? "" : header.slice(scheme[0].length);
  return token === "" || token.includes(" ") || token.includes("\t") ? undefined : token;
};
