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
  async (exchange) => {
    const value = exchange.request.header("authorization");
    const token = value === undefined ? undefined : /^bearer +(\S+)$/i.exec(value)?.[1];
    if (token === undefined) return undefined;
    const verification = await verifier.verify(token, (audience) => accepts(audience, exchange.target));
    if (!verification.ok) throw refuse(verification, exchange);
    return verification.caller;
  };
