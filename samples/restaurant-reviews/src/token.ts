import type { AccessToken, TokenCredential } from "@azure/identity";

/** The audience of Azure Database for PostgreSQL. */
export const POSTGRESQL_SCOPE = "https://ossrdbms-aad.database.windows.net/.default";

export interface TokenSource {
  /** A token that is good for a while yet; fetched once for all who ask at the same time. */
  token(): Promise<string>;
  /** Makes the next call fetch a new token: for when the server refused the one we have. */
  discard(): void;
}

const LONGEST_MARGIN_MS = 5 * 60_000;

/**
 * Keeps a token and renews it before it expires: 5 minutes before, or in the last fifth of its life when it lives
 * shorter than that allows, or when the credential says so (`refreshAfterTimestamp`).
 */
export function renewingToken(credential: TokenCredential, scope: string, now: () => number = Date.now): TokenSource {
  let current: { readonly value: string; readonly renewAt: number } | undefined;
  let fetching: Promise<string> | undefined;

  async function fetchToken(): Promise<string> {
    const fetched = await credential.getToken(scope);
    if (!fetched) throw new Error(`The credential gave no token for ${scope}`);
    current = { value: fetched.token, renewAt: renewalTime(fetched, now()) };
    return fetched.token;
  }

  return {
    async token() {
      if (current && now() < current.renewAt) return current.value;
      fetching ??= fetchToken().finally(() => {
        fetching = undefined;
      });
      return fetching;
    },
    discard() {
      current = undefined;
    },
  };
}

function renewalTime(token: AccessToken, fetchedAt: number): number {
  const lifetime = token.expiresOnTimestamp - fetchedAt;
  const beforeExpiry = token.expiresOnTimestamp - Math.min(LONGEST_MARGIN_MS, lifetime / 5);
  return Math.min(beforeExpiry, token.refreshAfterTimestamp ?? Infinity);
}
