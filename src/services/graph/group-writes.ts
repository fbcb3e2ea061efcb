/** Security groups and their members (learn.microsoft.com/graph/api/resources/group). */
import type { Group } from "../../identity/principals.ts";
import type { Call } from "../../kernel/call.ts";
import { notBuilt } from "../../kernel/fault.ts";
import { empty, json } from "../../kernel/message.ts";
import { type AnyOperation, operationsOf } from "../../kernel/operation.ts";
import { makerOf } from "./application-writes.ts";
import { bad, booleanIn, objectIn, onlyKnown, referenceIn, requiredText, textIn, textsIn } from "./bodies.ts";
import type { GraphContext, GraphTarget } from "./context.ts";
import { shownGroup } from "./entities.ts";
import type { Json } from "./filter.ts";
import { boundIn, groupAt, missing, scopeOf } from "./lookups.ts";
import type { GraphPermission } from "./permissions.ts";

const operation = operationsOf<GraphTarget, GraphPermission, never>();
const bodyLimit = 256 * 1024;
const described = [
  "displayName",
  "description",
  "mailNickname",
  "mailEnabled",
  "securityEnabled",
  "groupTypes",
  "visibility",
];

/** Groups with mail belong to Microsoft 365. */
const requireSecurityGroup = (body: Json, making: boolean): void => {
  const security = booleanIn(body, "securityEnabled") ?? !making;
  if (booleanIn(body, "mailEnabled") === true || !security || (textsIn(body, "groupTypes") ?? []).length > 0)
    throw notBuilt("A group that is not a plain security group");
};

const nicknameIn = (body: Json): string | undefined => {
  const nickname = textIn(body, "mailNickname", 64);
  if (nickname !== undefined && /[@()\\[\]";:<>, ]/.test(nickname))
    throw bad("Invalid value specified for property 'mailNickname' of resource 'Group'.");
  return nickname;
};

export const groupWrites = ({ directory }: GraphContext): readonly AnyOperation<GraphTarget>[] => [
  operation({
    name: "CreateGroup",
    method: "POST",
    path: "/:version/groups",
    needs: { action: "Group.Create" },
    bodyLimit,
    handle: async (call) => {
      const body = objectIn(await call.body.json());
      onlyKnown(body, [...described, "owners@odata.bind", "members@odata.bind"]);
      requireSecurityGroup(body, true);
      const description = textIn(body, "description", 1024);
      const [displayName, mailNickname] = [requiredText(body, "displayName", "Group"), nicknameIn(body)];
      if (mailNickname === undefined) throw bad("A value is required for property 'mailNickname' of resource 'Group'.");
      const owners = await boundIn(body, "owners", directory);
      const made: Group = {
        kind: "Group",
        objectId: call.ids.guid(),
        displayName,
        mailNickname,
        ...(description === undefined ? {} : { description }),
        members: await boundIn(body, "members", directory),
        owners: [...new Set([...owners, ...ownerByMaking(call)])],
      };
      await directory.put(made);
      const context = `https://graph.microsoft.com/${call.target.version}/$metadata#groups/$entity`;
      return json({ "@odata.context": context, ...shownGroup(made) }, 201);
    },
  }),
  operation({
    name: "UpdateGroup",
    method: "PATCH",
    path: "/:version/groups/:id",
    needs: { action: "Group.ReadWrite.All", at: scopeOf("groups") },
    bodyLimit,
    handle: async (call) => {
      const body = objectIn(await call.body.json());
      onlyKnown(body, described);
      requireSecurityGroup(body, false);
      await directory.transact(async (within) => {
        const before = await groupAt(call.parameters.id, within);
        const description = textIn(body, "description", 1024) ?? before.description;
        const mailNickname = nicknameIn(body) ?? before.mailNickname;
        await within.put({
          ...before,
          displayName: textIn(body, "displayName") ?? before.displayName,
          ...(description === undefined ? {} : { description }),
          ...(mailNickname === undefined ? {} : { mailNickname }),
        });
      });
      return empty(204);
    },
  }),
  operation({
    name: "DeleteGroup",
    method: "DELETE",
    path: "/:version/groups/:id",
    needs: { action: "Group.ReadWrite.All", at: scopeOf("groups") },
    handle: async (call) => {
      const { objectId } = await groupAt(call.parameters.id, directory);
      await directory.remove(objectId);
      return empty(204);
    },
  }),
  operation({
    name: "AddGroupMember",
    method: "POST",
    path: "/:version/groups/:id/members/$ref",
    needs: { action: "GroupMember.ReadWrite.All", at: scopeOf("groups") },
    bodyLimit,
    handle: async (call) => {
      const member = referenceIn(await call.body.json());
      await directory.transact(async (within) => {
        const group = await groupAt(call.parameters.id, within);
        if ((await within.principal(member)) === undefined) throw missing(member);
        if (member === group.objectId) throw bad("A group cannot be a member of itself.");
        if (group.members.includes(member))
          throw bad(
            "One or more added object references already exist for the following modified properties: 'members'.",
          );
        await within.put({ ...group, members: [...group.members, member] });
      });
      return empty(204);
    },
  }),
  operation({
    name: "RemoveGroupMember",
    method: "DELETE",
    path: "/:version/groups/:id/members/:member/$ref",
    needs: { action: "GroupMember.ReadWrite.All", at: scopeOf("groups") },
    handle: async (call) => {
      const member = call.parameters.member.toLowerCase();
      await directory.transact(async (within) => {
        const group = await groupAt(call.parameters.id, within);
        if (!group.members.includes(member)) throw missing(member);
        await within.put({ ...group, members: group.members.filter((each) => each !== member) });
      });
      return empty(204);
    },
  }),
];

/** Users own the groups that they make; one that an app makes has no owner (learn.microsoft.com/graph/api/group-post-groups). */
const ownerByMaking = (call: Pick<Call, "caller">): readonly string[] =>
  call.caller.kind === "principal" && call.caller.type === "User" ? makerOf(call) : [];
