/** Owners of applications, service principals and groups, and the groups that an object is in. */
import type { Directory } from "../../identity/directory.ts";
import { empty, json } from "../../kernel/message.ts";
import { type AnyOperation, operationsOf } from "../../kernel/operation.ts";
import { bad, objectIn, onlyKnown, referenceIn, textsIn } from "./bodies.ts";
import type { GraphContext, GraphTarget } from "./context.ts";
import { directoryObjectType, shownApplication, shownObject } from "./entities.ts";
import { graphFault, missingToken } from "./faults.ts";
import { collection } from "./listing.ts";
import {
  applicationAt,
  groupAt,
  missing,
  type OwnedKind,
  principalAt,
  scopeOf,
  servicePrincipalAt,
} from "./lookups.ts";
import type { GraphPermission } from "./permissions.ts";

const operation = operationsOf<GraphTarget, GraphPermission, never>();
const bodyLimit = 64 * 1024;

interface Owned {
  readonly kind: OwnedKind;
  readonly name: string;
  readonly read: GraphPermission;
  readonly write: GraphPermission;
  owners(id: string, directory: Directory): Promise<readonly string[]>;
  change(id: string, directory: Directory, owners: readonly string[]): Promise<void>;
}

const all: readonly Owned[] = [
  {
    kind: "applications",
    name: "Application",
    read: "Application.Read.All",
    write: "Application.ReadWrite.All",
    owners: async (id, directory) => (await applicationAt(id, directory)).owners ?? [],
    change: async (id, directory, owners) =>
      directory.putApplication({ ...(await applicationAt(id, directory)), owners }),
  },
  {
    kind: "serviceprincipals",
    name: "ServicePrincipal",
    read: "Application.Read.All",
    write: "Application.ReadWrite.All",
    owners: async (id, directory) => (await servicePrincipalAt(id, directory)).owners ?? [],
    change: async (id, directory, owners) => directory.put({ ...(await servicePrincipalAt(id, directory)), owners }),
  },
  {
    kind: "groups",
    name: "Group",
    read: "GroupMember.Read.All",
    write: "Group.ReadWrite.All",
    owners: async (id, directory) => (await groupAt(id, directory)).owners ?? [],
    change: async (id, directory, owners) => directory.put({ ...(await groupAt(id, directory)), owners }),
  },
];

export const ownerOperations = ({ directory, tenant }: GraphContext): readonly AnyOperation<GraphTarget>[] =>
  all.flatMap((owned) => [
    operation({
      name: `${owned.name}_ListOwners`,
      method: "GET",
      path: `/:version/${owned.kind}/:id/owners`,
      needs: { action: owned.read },
      handle: async (call) => {
        const ids = await owned.owners(call.parameters.id, directory);
        const found = await Promise.all(ids.map((id) => directory.principal(id)));
        const set = { version: call.target.version, name: "directoryObjects", type: directoryObjectType };
        return collection(
          call.request,
          set,
          found.flatMap((each) => (each === undefined ? [] : [shownObject(each, tenant)])),
        );
      },
    }),
    operation({
      name: `${owned.name}_AddOwner`,
      method: "POST",
      path: `/:version/${owned.kind}/:id/owners/$ref`,
      needs: { action: owned.write, at: scopeOf(owned.kind) },
      bodyLimit,
      handle: async (call) => {
        const owner = referenceIn(await call.body.json());
        await directory.transact(async (within) => {
          const owners = await owned.owners(call.parameters.id, within);
          const found = await within.principal(owner);
          if (found === undefined) throw missing(owner);
          if (found.kind === "Group") throw bad("A group cannot be an owner.");
          if (owners.includes(owner))
            throw bad(
              "One or more added object references already exist for the following modified properties: 'owners'.",
            );
          await owned.change(call.parameters.id, within, [...owners, owner]);
        });
        return empty(204);
      },
    }),
    operation({
      name: `${owned.name}_RemoveOwner`,
      method: "DELETE",
      path: `/:version/${owned.kind}/:id/owners/:owner/$ref`,
      needs: { action: owned.write, at: scopeOf(owned.kind) },
      handle: async (call) => {
        const owner = call.parameters.owner.toLowerCase();
        await directory.transact(async (within) => {
          const owners = await owned.owners(call.parameters.id, within);
          if (!owners.includes(owner)) throw missing(owner);
          await owned.change(
            call.parameters.id,
            within,
            owners.filter((each) => each !== owner),
          );
        });
        return empty(204);
      },
    }),
  ]);

/** What the signed-in user owns; an app is refused by Graph's own rule, as at `/me`. */
export const ownedObjectsOperation = ({ directory, tenant }: GraphContext): AnyOperation<GraphTarget> =>
  operation({
    name: "ListMyOwnedObjects",
    method: "GET",
    path: "/:version/me/ownedobjects",
    needs: { open: "a signed-in user may always ask what it owns; apps are refused by Graph's own rule" },
    handle: async (call) => {
      const { caller } = call;
      if (caller.kind !== "principal") throw missingToken();
      if (caller.type !== "User") throw graphFault("meIsDelegated");
      const owned = ({ owners = [] }: { readonly owners?: readonly string[] }): boolean =>
        owners.includes(caller.objectId);
      const principals = (await directory.list()).flatMap((each) =>
        each.kind !== "User" && owned(each) ? [shownObject(each, tenant)] : [],
      );
      const applications = (await directory.applications())
        .filter(owned)
        .map((each) => ({ "@odata.type": "#microsoft.graph.application", ...shownApplication(each, tenant) }));
      const set = { version: call.target.version, name: "directoryObjects", type: directoryObjectType };
      return collection(call.request, set, [...principals, ...applications]);
    },
  });

/** POST `checkMemberGroups` and `getMemberGroups`: which groups, these or all, an object is in. */
export const membershipOperations = ({ directory }: GraphContext): readonly AnyOperation<GraphTarget>[] =>
  (["checkmembergroups", "getmembergroups"] as const).flatMap((verb) =>
    (["directoryobjects", "users", "groups", "serviceprincipals"] as const).map((kind) =>
      operation({
        name: verb === "checkmembergroups" ? "CheckMemberGroups" : "GetMemberGroups",
        method: "POST",
        path: `/:version/${kind}/:id/${verb}`,
        needs: { action: "Directory.Read.All" },
        bodyLimit,
        handle: async (call) => {
          const body = objectIn(await call.body.json());
          onlyKnown(body, ["groupIds", "securityEnabledOnly"]);
          const principal = await principalAt(kind, call.parameters.id, directory);
          const groups = await directory.groupsOf(principal.objectId);
          const asked = verb === "checkmembergroups" ? (textsIn(body, "groupIds") ?? []) : groups;
          const wanted = new Set(asked.map((id) => id.toLowerCase()));
          return json({
            "@odata.context": `https://graph.microsoft.com/${call.target.version}/$metadata#Collection(Edm.String)`,
            value: groups.filter((id) => wanted.has(id)),
          });
        },
      }),
    ),
  );
