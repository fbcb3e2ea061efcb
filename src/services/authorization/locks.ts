/** `Microsoft.Authorization/locks`. */
import { covers } from "../../access/scopes.ts";
import { isObject } from "../../arm/record.ts";
import type { ArmCall, ArmTarget, ResourceType } from "../../arm/resource-type.ts";
import type { Caller } from "../../kernel/caller.ts";
import { empty, json } from "../../kernel/message.ts";
import { authorizationFault as fault } from "./faults.ts";
import type { Lock } from "./lock-rules.ts";
import { propertiesOf, readable, scopeOf, stringOf } from "./requests.ts";
import type { AccessState } from "./state.ts";

const type = "Microsoft.Authorization/locks";
const idOf = (call: ArmCall, name: string): string => `${scopeOf(call).replace(/\/$/, "")}/providers/${type}/${name}`;

export const locks = (state: AccessState): ResourceType => ({
  type,
  apiVersions: ["2020-05-01", "2017-04-01", "2016-09-01"],
  at: "extension",
  tracked: false,
  source: {
    get: (call, _id, name) => {
      const found = state.locks.get(idOf(call, name));
      if (found === undefined) throw fault("lockNotFound", { name });
      return json(shown(found));
    },
    list: async (call) => {
      const scope = scopeOf(call);
      const below = state.locks.below(scope).filter((each) => !covers(each.scope, scope));
      const found = [...state.locks.reaching(scope), ...below];
      return json({ value: (await readable(call, `${type}/read`, found)).map(shown) });
    },
    put: async (call, _id, name) => {
      const properties = await propertiesOf(call);
      const level = (["CanNotDelete", "ReadOnly"] as const).find(
        (each) => each.toLowerCase() === stringOf(properties["level"])?.toLowerCase(),
      );
      if (level === undefined) throw fault("invalidLock", { why: "The lock level must be CanNotDelete or ReadOnly." });
      const notes = stringOf(properties["notes"]);
      if (notes !== undefined && notes.length > 512) {
        throw fault("invalidLock", { why: "The notes of a lock have at most 512 characters." });
      }
      const before = state.locks.get(idOf(call, name));
      const lock: Lock = {
        id: before?.id ?? idOf(call, name),
        name: before?.name ?? name,
        scope: before?.scope ?? scopeOf(call),
        level,
        ...(notes === undefined ? {} : { notes }),
        ...ownersOf(properties["owners"]),
      };
      await state.putLock(lock);
      return json(shown(lock), before === undefined ? 201 : 200);
    },
    delete: async (call, _id, name) => empty((await state.removeLock(idOf(call, name))) ? 200 : 204),
  },
});

const ownersOf = (value: unknown): Pick<Lock, "owners"> => {
  if (!Array.isArray(value)) return {};
  const items: readonly unknown[] = value;
  const owners = items.flatMap((each) =>
    isObject(each) && typeof each["applicationId"] === "string" ? [{ applicationId: each["applicationId"] }] : [],
  );
  return { owners };
};

const shown = ({ id, name, level, notes, owners }: Lock): unknown => ({
  properties: { level, ...(notes === undefined ? {} : { notes }), ...(owners === undefined ? {} : { owners }) },
  id,
  type,
  name,
});

/**
 * Refuses what a lock stops. Locks themselves can always be written and deleted; what the platform deletes with a group
 * was decided when the group's deletion was. @throws 409 ScopeLocked
 */
export const requireUnlocked = (
  state: AccessState,
  call: { readonly request: { readonly method: string }; readonly target: ArmTarget; readonly caller: Caller },
): void => {
  if (call.caller.kind === "platform") return;
  const { path, id } = call.target;
  if (path?.namespace.toLowerCase() === "microsoft.authorization" && path.types[0]?.toLowerCase() === "locks") return;
  const method = call.request.method;
  const stopping = state.locks.stopping(method, id);
  if (stopping.length === 0) return;
  throw fault("scopeLocked", {
    scope: id,
    operation: method === "DELETE" ? "delete" : "write",
    locks: stopping.map((each) => each.scope).join(","),
  });
};
