/** App registrations: made, changed and deleted (learn.microsoft.com/graph/api/resources/application). */
import type { Directory } from "../../identity/directory.ts";
import type { Application } from "../../identity/principals.ts";
import type { Call } from "../../kernel/call.ts";
import { empty, json } from "../../kernel/message.ts";
import { type AnyOperation, operationsOf } from "../../kernel/operation.ts";
import { bad, objectIn, onlyKnown, requiredText, textIn, textsIn } from "./bodies.ts";
import type { GraphContext, GraphTarget } from "./context.ts";
import { keptSecrets, keysIn } from "./credentials.ts";
import { applicationSettings, shownApplication } from "./entities.ts";
import type { Json } from "./filter.ts";
import { applicationAt, boundIn, scopeOf } from "./lookups.ts";
import type { GraphPermission } from "./permissions.ts";

const operation = operationsOf<GraphTarget, GraphPermission, never>();
const bodyLimit = 256 * 1024;
const settings = Object.keys(applicationSettings);
const writable = ["displayName", "identifierUris", "keyCredentials", "passwordCredentials", ...settings];

/** The members of a body that are kept as they are. */
const settingsIn = (body: Json, before: Json = {}): Json => ({
  ...before,
  ...Object.fromEntries(settings.filter((name) => body[name] !== undefined).map((name) => [name, body[name]])),
});

const urisIn = async (body: Json, objectId: string, directory: Directory): Promise<readonly string[] | undefined> => {
  const uris = textsIn(body, "identifierUris");
  if (uris === undefined) return undefined;
  for (const uri of uris)
    if (!URL.canParse(uri) || uri.length > 255)
      throw bad(`Invalid value specified for property 'identifierUris' of resource 'Application'.`);
  const taken = (await directory.applications()).some(
    (other) => other.objectId !== objectId && other.identifierUris?.some((uri) => uris.includes(uri)),
  );
  if (taken) throw bad("Another object with the same value for property identifierUris already exists.");
  return uris;
};

/** Who makes an object owns it: apps by `Application.ReadWrite.OwnedBy`, users as members. */
export const makerOf = ({ caller }: Pick<Call, "caller">): readonly string[] =>
  caller.kind === "principal" ? [caller.objectId] : [];

export const applicationWrites = ({ directory, tenant }: GraphContext): readonly AnyOperation<GraphTarget>[] => [
  operation({
    name: "CreateApplication",
    method: "POST",
    path: "/:version/applications",
    needs: { action: "Application.ReadWrite.OwnedBy" },
    bodyLimit,
    handle: async (call) => {
      const body = objectIn(await call.body.json());
      onlyKnown(body, [...writable, "owners@odata.bind"]);
      const [objectId, appId] = [call.ids.guid(), call.ids.guid()];
      keptSecrets(body, []);
      const keys = keysIn(body, [], call.ids);
      const made = await directory.transact(async (within) => {
        const application: Application = {
          appId,
          objectId,
          displayName: requiredText(body, "displayName", "Application"),
          secrets: [],
          ...(keys === undefined ? {} : { keys }),
          created: call.clock.now(),
          identifierUris: (await urisIn(body, objectId, within)) ?? [],
          owners: [...new Set([...makerOf(call), ...(await boundIn(body, "owners", within))])],
          settings: settingsIn(body),
        };
        await within.putApplication(application);
        return application;
      });
      const context = `https://graph.microsoft.com/${call.target.version}/$metadata#applications/$entity`;
      return json({ "@odata.context": context, ...shownApplication(made, tenant) }, 201);
    },
  }),
  operation({
    name: "UpdateApplication",
    method: "PATCH",
    path: "/:version/applications/:id",
    needs: { action: "Application.ReadWrite.All", at: scopeOf("applications") },
    bodyLimit,
    handle: async (call) => {
      const body = objectIn(await call.body.json());
      onlyKnown(body, writable);
      await directory.transact(async (within) => {
        const before = await applicationAt(call.parameters.id, within);
        const identifierUris = await urisIn(body, before.objectId, within);
        const after: Application = {
          ...before,
          displayName: textIn(body, "displayName") ?? before.displayName,
          identifierUris: identifierUris ?? before.identifierUris ?? [],
          keys: keysIn(body, before.keys ?? [], call.ids) ?? before.keys ?? [],
          secrets: keptSecrets(body, before.secrets) ?? before.secrets,
          settings: settingsIn(body, before.settings),
        };
        await within.putApplication(after);
        const principal = await within.servicePrincipal(before.appId);
        if (principal !== undefined)
          await within.put({
            ...principal,
            displayName: after.displayName,
            ...(identifierUris === undefined ? {} : { names: identifierUris }),
          });
      });
      return empty(204);
    },
  }),
  operation({
    name: "DeleteApplication",
    method: "DELETE",
    path: "/:version/applications/:id",
    needs: { action: "Application.ReadWrite.All", at: scopeOf("applications") },
    handle: async (call) => {
      // Its service principal in this tenant goes with it (learn.microsoft.com/entra/identity-platform/howto-remove-app).
      await directory.transact(async (within) => {
        const { appId } = await applicationAt(call.parameters.id, within);
        const principal = await within.servicePrincipal(appId);
        await within.removeApplication(appId);
        if (principal !== undefined) await within.remove(principal.objectId);
      });
      return empty(204);
    },
  }),
];
