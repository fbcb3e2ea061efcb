/** Finding directory objects by what a request's path says of them. */
import type { Directory } from "../../identity/directory.ts";
import type { Application, Group, Principal, ServicePrincipal } from "../../identity/principals.ts";
import type { Fault } from "../../kernel/fault.ts";
import { referenceIn, textsIn } from "./bodies.ts";
import { graphFault } from "./faults.ts";
import type { Json } from "./filter.ts";

export const missing = (id: string): Fault => graphFault("notFound", { id: id.slice(0, 200) });

/** `(appId='…')` -> the app id. */
export const keyOf = (id: string, name: string): string | undefined =>
  new RegExp(`^\\(${name}='([^']*)'\\)$`, "i").exec(id)?.[1];

/** An application by object id or `(appId='…')`. @throws Fault 404 */
export const applicationAt = async (id: string, directory: Directory): Promise<Application> => {
  const appId = keyOf(id, "appId");
  const found = await (appId === undefined ? directory.applicationObject(id) : directory.application(appId));
  if (found === undefined) throw missing(appId ?? id);
  return found;
};

/** A service principal by object id or `(appId='…')`. @throws Fault 404 */
export const servicePrincipalAt = async (id: string, directory: Directory): Promise<ServicePrincipal> => {
  const appId = keyOf(id, "appId");
  const found = await (appId === undefined ? directory.principal(id) : directory.servicePrincipal(appId));
  if (found?.kind !== "ServicePrincipal") throw missing(appId ?? id);
  return found;
};

/** @throws Fault 404 */
export const groupAt = async (id: string, directory: Directory): Promise<Group> => {
  const found = await directory.principal(id);
  if (found?.kind !== "Group") throw missing(id);
  return found;
};

/** A principal by object id, a user by its name as well. @throws Fault 404 */
export const principalAt = async (kind: string, id: string, directory: Directory): Promise<Principal> => {
  const byName = async (): Promise<Principal | undefined> =>
    kind === "users" ? (await directory.named(id)).find((each) => each.kind === "User") : undefined;
  const found = (await directory.principal(id)) ?? (await byName());
  if (found === undefined) throw missing(id);
  return found;
};

export type OwnedKind = "applications" | "serviceprincipals" | "groups";

/** What a right to change an object is checked at: `/applications/{id}`. */
export const scopeOf =
  (kind: OwnedKind) =>
  (call: { readonly parameters: { readonly id: string } }): string =>
    `/${kind}/${call.parameters.id}`;

const at = {
  applications: applicationAt,
  serviceprincipals: servicePrincipalAt,
  groups: groupAt,
} as const satisfies Record<OwnedKind, (id: string, directory: Directory) => Promise<unknown>>;

/** Owners of the object at a scope that `scopeOf` made; nobody owns what does not exist. */
export const ownersAt = async (scope: string, directory: Directory): Promise<readonly string[]> => {
  const [, kind = "", ...rest] = scope.split("/");
  if (!isOwnedKind(kind)) return [];
  const found = await at[kind](rest.join("/"), directory).catch(() => undefined);
  return found?.owners ?? [];
};

const isOwnedKind = (kind: string): kind is OwnedKind => Object.hasOwn(at, kind);

/** Ids of `owners@odata.bind` or `members@odata.bind`. @throws Fault 404 for what does not exist */
export const boundIn = async (body: Json, name: string, directory: Directory): Promise<readonly string[]> => {
  const ids = (textsIn(body, `${name}@odata.bind`) ?? []).map((link) => referenceIn({ "@odata.id": link }));
  for (const id of ids) if ((await directory.principal(id)) === undefined) throw missing(id);
  return [...new Set(ids)];
};
