/**
 * A token by a plain HTTP GET, as the platform documents it: any language can do this.
 * https://learn.microsoft.com/azure/container-apps/managed-identity#rest-endpoint-reference
 */
export interface RawToken {
  readonly accessToken: string;
  /** Milliseconds since the epoch. */
  readonly expiresOn: number;
  /** Client id of the identity that it is of. */
  readonly clientId: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The endpoint refused; the message is its own. */
export class TokenRefused extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.name = "TokenRefused";
    this.status = status;
  }
}

/**
 * @param resource the audience, e.g. `https://vault.azure.net`
 * @param clientId of a user-assigned identity; absent: the system-assigned one
 */
export async function rawToken(
  resource: string,
  clientId: string | undefined,
  env: Environment = process.env,
  get: typeof fetch = fetch,
): Promise<RawToken> {
  const endpoint = env["IDENTITY_ENDPOINT"];
  const header = env["IDENTITY_HEADER"];
  if (!endpoint || !header)
    throw new Error("IDENTITY_ENDPOINT and IDENTITY_HEADER are not set: this process does not run as a container app.");
  const url = new URL(endpoint);
  url.searchParams.set("api-version", "2019-08-01");
  url.searchParams.set("resource", resource);
  if (clientId) url.searchParams.set("client_id", clientId);
  const answer = await get(url, { headers: { "X-IDENTITY-HEADER": header }, redirect: "error" });
  const body: unknown = await answer.json();
  if (!answer.ok) throw new TokenRefused(answer.status, textOf(body, "message") || `status ${answer.status}`);
  const accessToken = textOf(body, "access_token");
  if (!accessToken) throw new Error("The identity endpoint answered without an access_token.");
  return { accessToken, expiresOn: Number(textOf(body, "expires_on")) * 1000, clientId: textOf(body, "client_id") };
}

function textOf(body: unknown, member: string): string {
  const value: unknown = typeof body === "object" && body !== null ? Reflect.get(body, member) : undefined;
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}
