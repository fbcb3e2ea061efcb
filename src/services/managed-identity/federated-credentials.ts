import { armFault } from "../../arm/faults.ts";
import { type Json, type JsonObject, objectOf, textOf } from "../../arm/record.ts";
import type { Change, Draft, ResourceType } from "../../arm/resource-type.ts";
import type { Resources } from "../../arm/resources.ts";
import type { FederatedCredential } from "../../identity/principals.ts";

export const federatedCredentialType = "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials";

/** Azure's limits (https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations). */
const perIdentity = 20;
const longest = 600;

/** Whose tokens stand for a user-assigned identity: `az identity federated-credential create`. */
export const federatedCredentials = (resources: Resources): ResourceType => ({
  type: federatedCredentialType,
  apiVersions: ["2024-11-30", "2023-01-31", "2022-01-31-preview"],
  at: "group",
  tracked: false,
  nameRule: {
    pattern: /^[a-zA-Z0-9][-\w]{2,119}$/,
    text: "Use 3 to 120 letters, digits, hyphens and underscores, beginning with a letter or digit.",
  },
  codes: { created: 201, updated: 200, deleted: 200 },
  write: (change) => draft(change, resources),
});

const draft = async (change: Change, resources: Resources): Promise<Draft> => {
  const asked = objectOf(change.body["properties"]);
  const properties: JsonObject = change.verb === "PATCH" ? { ...change.existing?.properties, ...asked } : asked;
  const issuer = textOf(properties["issuer"]);
  const subject = textOf(properties["subject"]);
  const given = properties["audiences"];
  const audiences = (Array.isArray(given) ? (given as readonly Json[]) : []).map(textOf);
  const wrong = (why: string) => armFault("invalidContent", { why });
  if (!URL.canParse(issuer) || !issuer.startsWith("https://") || issuer.length > longest)
    throw wrong(`The property 'issuer' must be an https URL of at most ${longest} characters.`);
  if (subject === "" || subject.length > longest)
    throw wrong(`The property 'subject' must have 1 to ${longest} characters.`);
  if (audiences.length !== 1 || audiences[0] === "" || (audiences[0] ?? "").length > longest)
    throw wrong(`The property 'audiences' must hold one audience, of at most ${longest} characters.`);
  const identity = change.id.split("/").slice(0, -2).join("/");
  const others = (await resources.below(identity, federatedCredentialType)).filter(
    (record) => record.id.toLowerCase() !== change.id.toLowerCase(),
  );
  if (others.length >= perIdentity)
    throw wrong(`There are ${perIdentity} federated identity credentials on the identity already, which is the limit.`);
  if (others.some(({ properties: other }) => other["issuer"] === issuer && other["subject"] === subject))
    throw armFault("conflict", {
      why: "Issuer and subject combination already exists for this Managed Identity.",
    });
  return { properties: { issuer, subject, audiences } };
};

/** The federated credentials of a user-assigned identity. */
export const federatedCredentialsBelow = async (
  identity: string,
  resources: Resources,
): Promise<readonly FederatedCredential[]> =>
  (await resources.below(identity, federatedCredentialType)).map(({ name, properties }) => ({
    name,
    issuer: textOf(properties["issuer"]),
    subject: textOf(properties["subject"]),
    audiences: (Array.isArray(properties["audiences"]) ? (properties["audiences"] as readonly Json[]) : []).map(textOf),
  }));
