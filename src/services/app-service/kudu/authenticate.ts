/** Who may use a site's SCM host: publishing credentials where the site allows them, ARM tokens always. */
import { createHash, timingSafeEqual } from "node:crypto";
import { managementAudiences } from "../../../arm/audiences.ts";
import { bearer } from "../../../identity/bearer.ts";
import type { TokenVerifier } from "../../../identity/verify.ts";
import type { Authenticator, Decider } from "../../../kernel/service.ts";
import { kuduFault } from "../faults.ts";
import type { Site } from "../site.ts";

export interface KuduTarget {
  readonly site: Site;
}

const challenge = { headers: { "WWW-Authenticate": 'Basic realm="site"' } };

export const unauthorized = (why: string) => kuduFault("unauthorized", { why }, challenge);

const same = (a: string, b: string): boolean => {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
};

const basic: Authenticator<KuduTarget> = ({ request, target: { site } }) => {
  const given = /^basic +(\S+)$/i.exec(request.header("authorization") ?? "")?.[1];
  if (given === undefined) return undefined;
  if (!request.secure) throw unauthorized("Basic authentication needs https.");
  if (!site.basicAllowed.scm)
    throw kuduFault(
      "unauthorized",
      { why: "Basic authentication is disabled for this site." },
      {
        ...challenge,
        hint: "basicPublishingCredentialsPolicies/scm has allow: false; use a Bearer token for management.azure.com.",
      },
    );
  const text = Buffer.from(given, "base64").toString("utf8");
  const colon = text.indexOf(":");
  const user = text.slice(0, Math.max(0, colon)).toLowerCase();
  const own = `$${site.name}`.toLowerCase();
  const rightUser = user === own || user === `${site.name.toLowerCase()}\\${own}`;
  const rightPassword = same(text.slice(colon + 1), site.publishingPassword);
  if (!rightUser || !rightPassword) throw unauthorized("The publishing credentials are wrong.");
  return { kind: "secret", scheme: "PublishingCredentials", name: own, grant: { site: site.id } };
};

export const kuduAuthenticators = (verifier: TokenVerifier): readonly Authenticator<KuduTarget>[] => [
  basic,
  bearer(
    verifier,
    (audience) => managementAudiences.includes(audience),
    () => unauthorized("The token is invalid, expired or for another audience."),
  ),
];

/** Publishing credentials open their own site, and nothing else of the tenant. */
export const publishingCredentials: Decider<KuduTarget> = {
  name: "publishing credentials",
  applies: (caller) => caller.kind === "secret",
  decide: ({ caller, target }) =>
    caller.kind === "secret" && caller.grant["site"] === target.site.id
      ? { allowed: true, via: `publishing credentials ${caller.name}` }
      : { allowed: false, cause: "credentials", reason: "These publishing credentials are another site's." },
};
