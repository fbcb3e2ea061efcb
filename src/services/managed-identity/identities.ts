import type { ResourceRecord } from "../../arm/record.ts";
import type { Resources } from "../../arm/resources.ts";
import type { Directory } from "../../identity/directory.ts";
import type { ManagedIdentityTokens } from "../../identity/managed-identity-tokens.ts";
import type { ServicePrincipal } from "../../identity/principals.ts";
import type { IssuedToken } from "../../identity/tokens.ts";
import type { Caller } from "../../kernel/caller.ts";
import { identityFault, noIdentity, severalIdentities, unknownResource } from "./faults.ts";

/** What every identity endpoint works with. */
export interface IdentityContext {
  readonly resources: Resources;
  readonly directory: Directory;
  readonly tokens: ManagedIdentityTokens;
  readonly tenantName: string;
  /** Is there such a token audience in the tenant? */
  readonly knownResource: (resource: string) => Promise<boolean>;
}

type Attribute = "appId" | "objectId" | "resourceId";

/** The parameters by which a protocol selects an identity. */
export type Selectors = Readonly<Record<string, Attribute>>;

export interface Selection {
  readonly name: string;
  readonly attribute: Attribute;
  readonly value: string;
}

/** What is asked for: a resource, and which identity. */
export interface TokenQuestion {
  readonly resource: string;
  readonly selection: Selection | undefined;
  /** SHA-256 in hex of the token that a service refused. */
  readonly refused: string | undefined;
  /** A claims challenge came back. */
  readonly claims: boolean;
  readonly claimsCapable: boolean;
}

export interface Granted {
  readonly principal: ServicePrincipal;
  readonly token: IssuedToken;
  readonly question: TokenQuestion;
}

const none: readonly string[] = [];

/** Reads a request's parameters; names compare in any letter case, an empty value is none. @throws Fault */
export const readQuestion = (parameters: URLSearchParams, selectors: Selectors): TokenQuestion => {
  const given = new Map<string, string[]>();
  for (const [name, value] of parameters) {
    if (value === "") continue;
    const lower = name.toLowerCase();
    const before = given.get(lower);
    if (before === undefined) given.set(lower, [value]);
    else before.push(value);
  }
  const values = (wanted: string): readonly string[] => given.get(wanted) ?? none;
  const selections = Object.entries(selectors).flatMap(([name, attribute]) =>
    values(name).map((value) => ({ name, attribute, value: value.toLowerCase() })),
  );
  if (selections.length > 1)
    throw identityFault(400, "invalid_request", `Only one of ${Object.keys(selectors).join(", ")} may be given.`);
  const [resource] = values("resource");
  if (resource === undefined) throw identityFault(400, "invalid_request", "The resource parameter is required.");
  return {
    resource,
    selection: selections[0],
    refused: values("token_sha256_to_refresh")[0]?.toLowerCase(),
    claims: values("claims").length > 0,
    claimsCapable: values("xms_cc").some((value) => value.toLowerCase().split(",").includes("cp1")),
  };
};

/** The app that an authenticated caller is. @throws Fault when it is gone */
export const appOf = async (caller: Caller, { resources }: IdentityContext): Promise<ResourceRecord> => {
  const resourceId = caller.kind === "secret" ? caller.grant["resourceId"] : undefined;
  const record = typeof resourceId === "string" ? await resources.get(resourceId) : undefined;
  if (record === undefined) throw noIdentity(false, "The resource that this credential was made for is gone.");
  return record;
};

/**
 * A token for the identity that an app asks for, out of its own identities and no others.
 * @param loneUserAssigned none asked for and no system-assigned identity: IMDS takes the only user-assigned one
 *   (https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/managed-identities-faq), App Service none
 */
export const grant = async (
  record: ResourceRecord,
  question: TokenQuestion,
  context: IdentityContext,
  loneUserAssigned: boolean,
): Promise<Granted> => {
  if (!(await context.knownResource(question.resource))) throw unknownResource(question.resource, context.tenantName);
  const principal = await select(record, question.selection, context.directory, loneUserAssigned);
  const token = await context.tokens.token(principal, question.resource, record.id, {
    claimsCapable: question.claimsCapable,
    lifetime: () => taggedLifetime(principal, context.resources),
    bypass: (cached) => question.claims || (question.refused !== undefined && cached() === question.refused),
  });
  return { principal, token, question };
};

/** Tag of a site, container app or user-assigned identity: the lifetime of its identity's tokens, in seconds. */
const lifetimeTag = "lanyard-token-lifetime";

const taggedLifetime = async (principal: ServicePrincipal, resources: Resources): Promise<number | undefined> => {
  const { tags = {} } = (await resources.get(principal.resourceId ?? "/")) ?? {};
  const tag = tags[lifetimeTag] ?? "";
  return /^[1-9]\d{0,4}$/.test(tag) ? Math.min(Number(tag), 86_400) : undefined;
};

const select = async (
  record: ResourceRecord,
  asked: Selection | undefined,
  directory: Directory,
  loneUserAssigned: boolean,
): Promise<ServicePrincipal> => {
  const { identity } = record;
  // `lanyard run --as` may name a user-assigned identity itself: it then stands for the app.
  const own =
    identity?.principalId !== undefined
      ? await directory.principal(identity.principalId)
      : record.type === "Microsoft.ManagedIdentity/userAssignedIdentities"
        ? await directory.identityOf(record.id)
        : undefined;
  const system = own?.kind === "ServicePrincipal" ? own : undefined;
  if (asked === undefined && system !== undefined) return system;
  const found = await Promise.all((identity?.userAssigned ?? []).map((id) => directory.identityOf(id)));
  const assigned = found.filter((each) => each !== undefined);
  if (asked === undefined) {
    if (loneUserAssigned && assigned.length > 1) throw severalIdentities();
    if (loneUserAssigned && assigned[0] !== undefined) return assigned[0];
    throw noIdentity(
      false,
      `${record.id} has no system-assigned identity. \`az webapp identity assign\` turns it on; with user-assigned identities only, name one by client_id.`,
    );
  }
  const chosen = [...(system === undefined ? [] : [system]), ...assigned].find(
    (principal) => principal[asked.attribute]?.toLowerCase() === asked.value,
  );
  if (chosen !== undefined) return chosen;
  throw noIdentity(true, `${record.id} has no identity with ${asked.name} ${asked.value.slice(0, 200)}.`);
};

/** The members that every protocol answers; numbers are text. Each is read by some client (identity-and-routing.md 2.3). */
export const tokenBody = ({ principal, token, question }: Granted): Record<string, string> => ({
  access_token: token.token,
  client_id: principal.appId,
  expires_on: String(token.expiresAt),
  not_before: String(token.issuedAt),
  resource: question.resource,
  token_type: "Bearer",
});

/** With the remaining life, as IMDS and Arc tell it. */
export const imdsBody = (granted: Granted, now: number): Record<string, string> => {
  const left = String(Math.max(granted.token.expiresAt - now - 1, 1));
  return { ...tokenBody(granted), expires_in: left, ext_expires_in: left };
};
