/** Microsoft Graph as a token audience, and the application permissions that tokens for it carry. */
import type { ServicePrincipal } from "./principals.ts";

/** Graph's application id, the same in every tenant. */
export const graphAppId = "00000003-0000-0000-c000-000000000000";

/** What Graph accepts as `aud` (access.md 5.4). */
export const isGraphAudience = (audience: string): boolean =>
  audience === "https://graph.microsoft.com" || audience === "https://graph.microsoft.com/" || audience === graphAppId;

/**
 * The `roles` claim: application permissions appear only in tokens for the resource that defines them, and freeze there
 * until the token ends; `wids` tells the directory roles, which Graph looks up itself.
 * Source: learn.microsoft.com/entra/identity-platform/access-token-claims-reference
 */
export const rolesClaim = (
  principal: ServicePrincipal,
  audience: string,
): { readonly roles?: readonly string[]; readonly wids?: readonly string[] } => {
  const roles = (principal.appRoles ?? [])
    .filter((granted) => granted.resourceAppId === graphAppId && isGraphAudience(audience))
    .map((granted) => granted.value);
  const wids = isGraphAudience(audience) ? (principal.directoryRoles ?? []) : [];
  return { ...(roles.length === 0 ? {} : { roles }), ...(wids.length === 0 ? {} : { wids }) };
};
