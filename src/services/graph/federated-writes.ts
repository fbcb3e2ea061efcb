/** Federated identity credentials of applications (learn.microsoft.com/graph/api/resources/federatedidentitycredential). */
import type { Application, FederatedCredential } from "../../identity/principals.ts";
import { empty, json, type Reply } from "../../kernel/message.ts";
import { type AnyOperation, operationsOf } from "../../kernel/operation.ts";
import { bad, objectIn, onlyKnown, requiredText, textIn, textsIn } from "./bodies.ts";
import type { GraphContext, GraphTarget } from "./context.ts";
import type { EntityType, Json } from "./filter.ts";
import { graphFault } from "./faults.ts";
import { collection } from "./listing.ts";
import { applicationAt, missing, scopeOf } from "./lookups.ts";
import type { GraphPermission } from "./permissions.ts";

const operation = operationsOf<GraphTarget, GraphPermission, never>();
const bodyLimit = 64 * 1024;
/** learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations */
const perApplication = 20;
const longest = 600;
const fields = ["id", "name", "issuer", "subject", "description", "audiences"] as const;
const type: EntityType = { name: "microsoft.graph.federatedIdentityCredential", fields };
const resource = "FederatedIdentityCredential";

const shown = (each: FederatedCredential): Json => ({
  id: each.id ?? "",
  name: each.name,
  issuer: each.issuer,
  subject: each.subject,
  description: each.description ?? null,
  audiences: each.audiences,
});

const issuerIn = (body: Json): string | undefined => {
  const issuer = textIn(body, "issuer", longest);
  if (issuer !== undefined && !(URL.canParse(issuer) && issuer.startsWith("https://")))
    throw bad("The property 'issuer' must be an https URL.");
  return issuer;
};

const audiencesIn = (body: Json): readonly string[] | undefined => {
  const audiences = textsIn(body, "audiences");
  if (
    audiences !== undefined &&
    (audiences.length !== 1 || audiences[0] === "" || (audiences[0] ?? "").length > longest)
  )
    throw bad("The property 'audiences' must hold one audience.");
  return audiences;
};

/** @throws Fault when name, or issuer and subject, stand in another one already */
const requireUnique = (credential: FederatedCredential, others: readonly FederatedCredential[]): void => {
  if (others.some(({ name }) => name.toLowerCase() === credential.name.toLowerCase()))
    throw graphFault("taken", { why: `${resource} with name ${credential.name} already exists.` });
  if (others.some(({ issuer, subject }) => issuer === credential.issuer && subject === credential.subject))
    throw graphFault("taken", {
      why: `${resource} with the same issuer and subject already exists on the application.`,
    });
};

const credentialOf = (application: Application, idOrName: string): FederatedCredential => {
  const found = (application.federatedCredentials ?? []).find(
    ({ id, name }) => id === idOrName.toLowerCase() || name.toLowerCase() === idOrName.toLowerCase(),
  );
  if (found === undefined) throw missing(idOrName);
  return found;
};

const path = "/:version/applications/:id/federatedidentitycredentials";
const read = { action: "Application.Read.All" } as const;
const write = { action: "Application.ReadWrite.All", at: scopeOf("applications") } as const;

export const federatedOperations = ({ directory }: GraphContext): readonly AnyOperation<GraphTarget>[] => {
  const reply = (credential: FederatedCredential, version: string, status = 200): Reply =>
    json(
      {
        "@odata.context": `https://graph.microsoft.com/${version}/$metadata#federatedIdentityCredentials/$entity`,
        ...shown(credential),
      },
      status,
    );
  return [
    operation({
      name: "ListFederatedIdentityCredentials",
      method: "GET",
      path,
      needs: read,
      handle: async (call) => {
        const { federatedCredentials } = await applicationAt(call.parameters.id, directory);
        const set = { version: call.target.version, name: "federatedIdentityCredentials", type };
        return collection(call.request, set, (federatedCredentials ?? []).map(shown));
      },
    }),
    operation({
      name: "CreateFederatedIdentityCredential",
      method: "POST",
      path,
      needs: write,
      bodyLimit,
      handle: async (call) => {
        const body = objectIn(await call.body.json());
        onlyKnown(body, fields.slice(1));
        const name = requiredText(body, "name", resource);
        if (!/^[A-Za-z0-9][-\w]{2,119}$/.test(name))
          throw bad("The property 'name' must have 3 to 120 letters, digits, hyphens and underscores.");
        const description = textIn(body, "description", longest);
        requiredText(body, "issuer", resource, longest);
        const made: FederatedCredential = {
          id: call.ids.guid(),
          name,
          issuer: issuerIn(body) ?? "",
          subject: requiredText(body, "subject", resource, longest),
          audiences: audiencesIn(body) ?? ["api://AzureADTokenExchange"],
          ...(description === undefined ? {} : { description }),
        };
        await directory.transact(async (within) => {
          const application = await applicationAt(call.parameters.id, within);
          const others = application.federatedCredentials ?? [];
          if (others.length >= perApplication)
            throw bad(`An application can have at most ${perApplication} federated identity credentials.`);
          requireUnique(made, others);
          await within.putApplication({ ...application, federatedCredentials: [...others, made] });
        });
        return reply(made, call.target.version, 201);
      },
    }),
    operation({
      name: "GetFederatedIdentityCredential",
      method: "GET",
      path: `${path}/:credential`,
      needs: read,
      handle: async (call) => {
        const { id, credential } = call.parameters;
        return reply(credentialOf(await applicationAt(id, directory), credential), call.target.version);
      },
    }),
    operation({
      name: "UpdateFederatedIdentityCredential",
      method: "PATCH",
      path: `${path}/:credential`,
      needs: write,
      bodyLimit,
      handle: async (call) => {
        const body = objectIn(await call.body.json());
        onlyKnown(body, fields.slice(1));
        await directory.transact(async (within) => {
          const application = await applicationAt(call.parameters.id, within);
          const before = credentialOf(application, call.parameters.credential);
          if ((textIn(body, "name") ?? before.name) !== before.name)
            throw bad("The property 'name' cannot be changed.");
          const description = textIn(body, "description", longest) ?? before.description;
          const after: FederatedCredential = {
            ...before,
            issuer: issuerIn(body) ?? before.issuer,
            subject: textIn(body, "subject", longest) ?? before.subject,
            audiences: audiencesIn(body) ?? before.audiences,
            ...(description === undefined ? {} : { description }),
          };
          const others = (application.federatedCredentials ?? []).filter(({ id }) => id !== before.id);
          requireUnique(after, others);
          await within.putApplication({ ...application, federatedCredentials: [...others, after] });
        });
        return empty(204);
      },
    }),
    operation({
      name: "DeleteFederatedIdentityCredential",
      method: "DELETE",
      path: `${path}/:credential`,
      needs: write,
      handle: async (call) => {
        await directory.transact(async (within) => {
          const application = await applicationAt(call.parameters.id, within);
          const gone = credentialOf(application, call.parameters.credential);
          await within.putApplication({
            ...application,
            federatedCredentials: (application.federatedCredentials ?? []).filter(({ id }) => id !== gone.id),
          });
        });
        return empty(204);
      },
    }),
  ];
};
