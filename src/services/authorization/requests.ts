/** What all types of Microsoft.Authorization need of a call: its scope, its body, and who may see what. */
import type { Permission } from "../../access/definitions.ts";
import { parseScope } from "../../access/scopes.ts";
import { type JsonObject, isObject, objectOf } from "../../arm/record.ts";
import type { ArmCall } from "../../arm/resource-type.ts";
import { authorizationFault } from "./faults.ts";

/** The scope that an extension resource is addressed at, without doubled slashes. @throws 400 InvalidScope */
export const scopeOf = (call: ArmCall): string => {
  const given = call.target.path?.scope ?? "";
  const scope = parseScope(given === "" ? "/" : given);
  if (scope === undefined || scope.level === "other")
    throw authorizationFault("invalidScope", { scope: given.slice(0, 300) });
  return scope.text;
};

const bodies = new WeakMap<object, Promise<unknown>>();

/** The JSON body. It is asked for twice: by conditions of role assignments, then by the handler. */
const bodyOf = (call: ArmCall): Promise<unknown> => {
  let body = bodies.get(call.request);
  if (body === undefined) {
    body = call.body.json();
    bodies.set(call.request, body);
  }
  return body;
};

/** `properties` of the body (older clients send them at top level too). @throws 400 BadRequestFormat */
export const propertiesOf = async (call: ArmCall): Promise<JsonObject> => {
  const body = await bodyOf(call);
  if (!isObject(body)) throw authorizationFault("badRequestFormat");
  return body["properties"] === undefined ? body : objectOf(body["properties"]);
};

export const stringOf = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);

/** The strings of a list; undefined when it is no list of strings. */
export const stringsOf = (value: unknown): readonly string[] | undefined => {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) return undefined;
  const items: readonly unknown[] = value;
  return items.every((item) => typeof item === "string") ? items : undefined;
};

/** A list, or an empty one when it is absent. @throws 400 BadRequestFormat for anything else */
export const itemsOf = (value: unknown): readonly unknown[] => {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw authorizationFault("badRequestFormat");
  return value;
};

/** The permission objects of a role definition or deny assignment. @throws 400 BadRequestFormat */
export const permissionsOf = (value: unknown): readonly Permission[] =>
  itemsOf(value).map((each): Permission => {
    const permission = objectOf(each);
    const of = (name: string): readonly string[] => {
      const found = stringsOf(permission[name]);
      if (found === undefined) throw authorizationFault("badRequestFormat");
      return found;
    };
    return {
      actions: of("actions"),
      notActions: of("notActions"),
      dataActions: of("dataActions"),
      notDataActions: of("notDataActions"),
    };
  });

/** Leaves what the caller may read: everything when it may read at the list's scope, else item by item. */
export const readable = async <T extends { readonly scope: string }>(
  call: ArmCall,
  action: string,
  items: readonly T[],
): Promise<readonly T[]> => {
  const permits = (scope: string): Promise<boolean> => call.permits({ kind: "action", name: action, scope });
  if (await permits(scopeOf(call))) return items;
  const known = new Map<string, boolean>();
  const visible: T[] = [];
  for (const item of items) {
    const permitted = known.get(item.scope) ?? (await permits(item.scope));
    known.set(item.scope, permitted);
    if (permitted) visible.push(item);
  }
  return visible;
};
