/** What a token says, for people to compare. The token itself is a password and is never shown or logged. */
export interface Claims {
  readonly audience: string;
  /** Object id of the identity. */
  readonly objectId: string;
  /** Its client id. */
  readonly clientId: string;
  /** Resource that a managed identity belongs to. */
  readonly resource: string;
  readonly tenantId: string;
}

/** Reads claims without checking them: that is for the token's receiver. */
export function claimsOf(accessToken: string): Claims {
  const claims: unknown = JSON.parse(Buffer.from(accessToken.split(".")[1] ?? "", "base64url").toString());
  const claim = (name: string): string => {
    const value: unknown = typeof claims === "object" && claims !== null ? Reflect.get(claims, name) : undefined;
    return typeof value === "string" ? value : "";
  };
  return {
    audience: claim("aud"),
    objectId: claim("oid"),
    clientId: claim("appid") || claim("azp"),
    resource: claim("xms_mirid"),
    tenantId: claim("tid"),
  };
}
