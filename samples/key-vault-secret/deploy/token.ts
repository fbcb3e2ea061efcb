import type { TokenCredential } from "@azure/identity";

export const ARM_SCOPE = "https://management.azure.com/.default";

export async function accessToken(credential: TokenCredential, scope: string): Promise<string> {
  const token = await credential.getToken(scope);
  if (!token) throw new Error(`No access token for ${scope}`);
  return token.token;
}

/** Our tenant, as our own token says. The token's receiver checks it; we only read it. */
export async function tenantOf(credential: TokenCredential): Promise<string> {
  const token = await accessToken(credential, ARM_SCOPE);
  const claims: unknown = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
  const tenantId: unknown = typeof claims === "object" && claims !== null ? Reflect.get(claims, "tid") : undefined;
  if (typeof tenantId !== "string") throw new Error("The token for Azure Resource Manager has no tid claim.");
  return tenantId;
}
