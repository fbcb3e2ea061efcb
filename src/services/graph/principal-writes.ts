/** Service principals of applications: made, changed and deleted (learn.microsoft.com/graph/api/resources/serviceprincipal). */
import type { ServicePrincipal } from "../../identity/principals.ts";
import { empty, json } from "../../kernel/message.ts";
import { type AnyOperation, operationsOf } from "../../kernel/operation.ts";
import { makerOf } from "./application-writes.ts";
import { bad, booleanIn, objectIn, onlyKnown, requiredText, textsIn } from "./bodies.ts";
import type { GraphContext, GraphTarget } from "./context.ts";
import { keptSecrets, keysIn } from "./credentials.ts";
import { shownServicePrincipal } from "./entities.ts";
import { graphFault } from "./faults.ts";
import { scopeOf, servicePrincipalAt } from "./lookups.ts";
import type { GraphPermission } from "./permissions.ts";

const operation = operationsOf<GraphTarget, GraphPermission, never>();
const bodyLimit = 256 * 1024;
const writable = ["accountEnabled", "tags", "keyCredentials", "passwordCredentials"];

/** Azure makes and removes the principals of managed identities with their resources, and nobody else does. */
const requireOwnMaking = (principal: ServicePrincipal): void => {
  if (principal.servicePrincipalType === "ManagedIdentity")
    throw bad(
      "Updates to managed identity service principals are not allowed: change the resource that it belongs to.",
    );
};

export const principalWrites = ({ directory, tenant }: GraphContext): readonly AnyOperation<GraphTarget>[] => [
  operation({
    name: "CreateServicePrincipal",
    method: "POST",
    path: "/:version/serviceprincipals",
    needs: { action: "Application.ReadWrite.OwnedBy" },
    bodyLimit,
    handle: async (call) => {
      const body = objectIn(await call.body.json());
      onlyKnown(body, ["appId", "accountEnabled", "tags"]);
      const appId = requiredText(body, "appId", "ServicePrincipal").toLowerCase();
      const tags = textsIn(body, "tags");
      const application = await directory.application(appId);
      // az tries again for a while when it reads ` does not reference `.
      if (application === undefined)
        throw bad(
          `The appId '${appId}' of the service principal does not reference a valid application object. Lanyard has one tenant: applications of others cannot be added.`,
        );
      await call.require({
        kind: "action",
        name: "Application.ReadWrite.All" satisfies GraphPermission,
        scope: `/applications/${application.objectId}`,
      });
      const made: ServicePrincipal = {
        kind: "ServicePrincipal",
        objectId: call.ids.guid(),
        appId,
        displayName: application.displayName,
        servicePrincipalType: "Application",
        directoryRoles: [],
        owners: makerOf(call),
        names: application.identifierUris ?? [],
        ...(tags === undefined ? {} : { tags }),
        disabled: booleanIn(body, "accountEnabled") === false,
      };
      await directory.transact(async (within) => {
        if ((await within.servicePrincipal(appId)) !== undefined)
          throw graphFault("taken", {
            why: `The service principal cannot be created, updated, or restored because the service principal name ${appId} is already in use.`,
          });
        if ((await within.application(appId)) === undefined) throw graphFault("notFound", { id: appId });
        await within.put(made);
      });
      const context = `https://graph.microsoft.com/${call.target.version}/$metadata#servicePrincipals/$entity`;
      return json({ "@odata.context": context, ...shownServicePrincipal(made, tenant) }, 201);
    },
  }),
  operation({
    name: "UpdateServicePrincipal",
    method: "PATCH",
    path: "/:version/serviceprincipals/:id",
    needs: { action: "Application.ReadWrite.All", at: scopeOf("serviceprincipals") },
    bodyLimit,
    handle: async (call) => {
      const body = objectIn(await call.body.json());
      onlyKnown(body, writable);
      await directory.transact(async (within) => {
        const before = await servicePrincipalAt(call.parameters.id, within);
        requireOwnMaking(before);
        const enabled = booleanIn(body, "accountEnabled");
        const application = await within.application(before.appId);
        if (application !== undefined)
          await within.putApplication({
            ...application,
            principalKeys: keysIn(body, application.principalKeys ?? [], call.ids) ?? application.principalKeys ?? [],
            principalSecrets:
              keptSecrets(body, application.principalSecrets ?? []) ?? application.principalSecrets ?? [],
          });
        await within.put({
          ...before,
          tags: textsIn(body, "tags") ?? before.tags ?? [],
          disabled: enabled === undefined ? (before.disabled ?? false) : !enabled,
        });
      });
      return empty(204);
    },
  }),
  operation({
    name: "DeleteServicePrincipal",
    method: "DELETE",
    path: "/:version/serviceprincipals/:id",
    needs: { action: "Application.ReadWrite.All", at: scopeOf("serviceprincipals") },
    handle: async (call) => {
      await directory.transact(async (within) => {
        const found = await servicePrincipalAt(call.parameters.id, within);
        requireOwnMaking(found);
        await within.remove(found.objectId);
        // What it signed in with goes with it; its application stays.
        const application = await within.application(found.appId);
        if (application !== undefined)
          await within.putApplication({ ...application, principalSecrets: [], principalKeys: [] });
      });
      return empty(204);
    },
  }),
];
