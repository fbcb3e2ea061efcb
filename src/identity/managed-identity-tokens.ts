import { createHash } from "node:crypto";
import { type Clock, epochSeconds } from "../kernel/clock.ts";
import type { ServicePrincipal } from "./principals.ts";
import type { IssuedToken, TokenIssuer } from "./tokens.ts";

export interface ManagedIdentityTokenOptions {
  /** The client understands claims challenges: its tokens say so, and are kept apart from others. */
  readonly claimsCapable?: boolean;
  /** Seconds; asked when a token is issued. Undefined: the usual lifetime. */
  readonly lifetime?: () => Promise<number | undefined>;
  /**
   * Asked with the SHA-256 (hex) of a token that the cache would answer; true when that one will not do: a service
   * refused it (`token_sha256_to_refresh`), or a claims challenge came back.
   */
  readonly bypass?: (digest: () => string) => boolean;
}

/**
 * Managed identity tokens with the back end's cache: about 24 hours per identity and resource, so that a group or claim
 * change does not show in a token that was issued before (identity-and-routing.md 2.6). Role assignments are looked up
 * live by whoever is called, so they do take effect at once.
 */
export interface ManagedIdentityTokens {
  token(
    principal: ServicePrincipal,
    resource: string,
    askingResourceId: string,
    options?: ManagedIdentityTokenOptions,
  ): Promise<IssuedToken>;
}

const remembered = 1000;
/** A token this close to its end is replaced: five minutes, or a tenth of a short lifetime. */
const renewBefore = (token: IssuedToken): number => Math.min(300, (token.expiresAt - token.issuedAt - 300) / 10);

/** @param cached false: every request gets a token of its own, for tests that change groups and want to see it */
export const managedIdentityTokens = (issuer: TokenIssuer, clock: Clock, cached = true): ManagedIdentityTokens => {
  const cache = new Map<string, IssuedToken>();
  return {
    token: async (principal, resource, askingResourceId, { claimsCapable = false, bypass, lifetime } = {}) => {
      // The resource is the client's own text and comes last: nothing in it can pass for one of the others.
      const key = `${principal.objectId}\0${claimsCapable}\0${askingResourceId}\0${resource}`;
      const known = cache.get(key);
      const now = epochSeconds(clock);
      if (
        known !== undefined &&
        known.issuedAt <= now &&
        known.expiresAt - renewBefore(known) > now &&
        bypass?.(() => createHash("sha256").update(known.token).digest("hex")) !== true
      )
        return known;
      const own = principal.resourceId?.toLowerCase() === askingResourceId.toLowerCase();
      const seconds = await lifetime?.();
      const issued = await issuer.issue({
        principal,
        audience: resource,
        proof: "managed-identity",
        claimsCapable,
        ...(own ? {} : { askingResourceId }),
        ...(seconds === undefined ? {} : { lifetime: seconds }),
      });
      if (!cached) return issued;
      if (cache.size >= remembered) cache.delete(cache.keys().next().value as string);
      cache.set(key, issued);
      return issued;
    },
  };
};
