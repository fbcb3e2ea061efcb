import type { TokenRefusal } from "../../../identity/bearer.ts";
import type { TokenVerifier } from "../../../identity/verify.ts";
import type { Fault } from "../../../kernel/fault.ts";
import type { Authenticator } from "../../../kernel/service.ts";
import { type Account, hostSuffix } from "../accounts.ts";
import { cosmosFault } from "../faults.ts";
import type { CosmosTarget } from "../target.ts";
import { masterKey } from "./master-key.ts";
import type { ResourceTokens } from "./resource-tokens.ts";

/** What an account accepts as `aud`: no trailing slash, no regional host (cosmos.md 13). */
export const audiencesOf = ({ name }: Account): readonly string[] => [
  `https://${name}${hostSuffix}`,
  `https://${name}.sql.cosmos.azure.com`,
  `https://${name}.sqlx.cosmos.azure.com`,
  "https://cosmos.azure.com",
];

const plainToken = "type=aad&ver=1.0&sig=";

/** `type=master|aad|resource&ver=1.0&sig=...`, percent-encoded or not; the signature may hold `+ / =` itself. */
const parse = (header: string): { readonly type: string; readonly signature: string } | undefined => {
  // What JS and Python send as it is, without looking through a kilobyte of token for what it cannot hold.
  if (header.startsWith(plainToken) && !header.includes(" ") && !header.includes("\t"))
    return { type: "aad", signature: header.slice(plainToken.length) };
  let text = header;
  try {
    if (/%3d/i.test(header)) text = decodeURIComponent(header);
  } catch {
    return undefined;
  }
  const found = /^type=([a-z]+)&ver=[\d.]+&sig=(\S+)$/i.exec(text.trim());
  return found === null ? undefined : { type: (found[1] ?? "").toLowerCase(), signature: found[2] ?? "" };
};

/** Undefined: anonymous. @throws 401 */
export const cosmosAuthenticator =
  (verifier: TokenVerifier, resourceTokens: ResourceTokens): Authenticator<CosmosTarget> =>
  async ({ request, target: { account }, clock }) => {
    const header = request.header("authorization");
    if (header === undefined || header === "") return undefined;
    const parsed = parse(header);
    if (parsed?.type === "master") return masterKey(request, account, parsed.signature, clock);
    if (parsed?.type !== "aad" && parsed?.type !== "resource") throw cosmosFault("invalidAuthorization");
    // Tokens never travel in the clear, whatever the client thinks.
    if (!request.secure) throw cosmosFault("invalidAuthorization");
    if (parsed.type === "resource") return resourceTokens.verify(account, parsed.signature);
    const accepted = audiencesOf(account);
    const verification = await verifier.verify(parsed.signature, (audience) => accepted.includes(audience));
    if (!verification.ok) throw refusalOf(verification, account, clock.now());
    return verification.caller;
  };

/** `7/17/2022 5:09:09 PM`. */
const usTime = (milliseconds: number): string =>
  new Date(milliseconds).toLocaleString("en-US", { timeZone: "UTC" }).replace(",", "").replaceAll("\u202f", " ");

const refusalOf = ({ problem, claims }: TokenRefusal, account: Account, now: number): Fault => {
  if (problem === "audience")
    return cosmosFault(
      "wrongAudience",
      { found: String(claims["aud"]).slice(0, 200), accepted: audiencesOf(account).join(", ") },
      { detail: { subStatus: 5008 } },
    );
  if (problem === "expired")
    return cosmosFault("tokenExpired", {
      account: account.name,
      since: usTime(Number(claims["exp"]) * 1000),
      now: usTime(now),
    });
  return cosmosFault("badToken", { account: account.name });
};
