/** The same token by the Azure Identity library: it finds the endpoint itself, caches, and renews. */
import { DefaultAzureCredential, type TokenCredential } from "@azure/identity";

export interface SdkToken {
  readonly accessToken: string;
  /** Milliseconds since the epoch. */
  readonly expiresOn: number;
}

/** The app's managed identity on Azure, the developer's own sign-in elsewhere. */
export function credentialFor(clientId: string | undefined): TokenCredential {
  return clientId ? new DefaultAzureCredential({ managedIdentityClientId: clientId }) : new DefaultAzureCredential();
}

export async function sdkToken(resource: string, credential: TokenCredential): Promise<SdkToken> {
  const token = await credential.getToken(`${resource}/.default`);
  if (!token) throw new Error(`The credential gave no token for ${resource}.`);
  return { accessToken: token.token, expiresOn: token.expiresOnTimestamp };
}
