import type { TokenCredential } from "@azure/identity";

export const ARM_SCOPE = "https://management.azure.com/.default";

export interface Deployer {
  readonly objectId: string;
  readonly tenantId: string;
  readonly type: "User" | "ServicePrincipal";
  /** A name for people: it becomes the name of the deployer's database role. */
  readonly name: string;
}

/** Who we are, as our own token says. The token's receiver checks it; we only read it. */
export async function whoAmI(credential: TokenCredential): Promise<Deployer> {
  const token = await accessToken(credential, ARM_SCOPE);
  const claims: unknown = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
  const claim = (name: string): string | undefined => {
    if (typeof claims !== "object" || claims === null) return undefined;
    const value: unknown = Reflect.get(claims, name);
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  const objectId = claim("oid");
  const tenantId = claim("tid");
  if (!objectId || !tenantId) throw new Error("The token for Azure Resource Manager has no oid or tid claim.");
  const userName = claim("upn") ?? claim("unique_name") ?? claim("preferred_username");
  const type = claim("idtyp") === "app" || !userName ? "ServicePrincipal" : "User";
  const name = (type === "User" ? userName : undefined) ?? claim("app_displayname") ?? claim("appid") ?? objectId;
  return { objectId, tenantId, type, name };
}

export async function accessToken(credential: TokenCredential, scope: string): Promise<string> {
  const token = await credential.getToken(scope);
  if (!token) throw new Error(`No access token for ${scope}`);
  return token.token;
}
