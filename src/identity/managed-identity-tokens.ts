import { type Clock, epochSeconds } from "../kernel/clock.ts";
import type { ServicePrincipal } from "./principals.ts";
import type { IssuedToken, TokenIssuer } from "./tokens.ts";

/**
 * Managed identity tokens with the back end's cache: about 24 hours per identity and resource, so that a group or claim
 * change does not show in a token that was issued before (identity-and-routing.md 2.6). Role assignments are looked up
 * live by whoever is called, so they do take effect at once.
 */
export interface ManagedIdentityTokens {
  token(principal: ServicePrincipal, resource: string, askingResourceId: string): Promise<IssuedToken>;
}

const remembered = 1000;
/** A token this close to its end is replaced: five minutes, or a tenth of a short lifetime. */
const renewBefore = (token: IssuedToken): number => Math.min(300, (token.expiresAt - token.issuedAt - 300) / 10);

export const managedIdentityTokens = (issuer: TokenIssuer, clock: Clock): ManagedIdentityTokens => {
  const cache = new Map<string, IssuedToken>();
  return {
    token: async (principal, resource, askingResourceId) => {
      const key = `${principal.objectId}\n${resource}\n${askingResourceId}`;
      const cached = cache.get(key);
      const now = epochSeconds(clock);
      if (cached !== undefined && cached.issuedAt <= now && cached.expiresAt - renewBefore(cached) > now) return cached;
      const own = principal.resourceId?.toLowerCase() === askingResourceId.toLowerCase();
      const issued = await issuer.issue({
        principal,
        audience: resource,
        proof: "managed-identity",
        ...(own ? {} : { askingResourceId }),
      });
      if (cache.size >= remembered) cache.delete(cache.keys().next().value as string);
      cache.set(key, issued);
      return issued;
    },
  };
};
