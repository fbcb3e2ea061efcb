import { objectOf, type ResourceRecord, textOf } from "../../arm/record.ts";
import { parentOf } from "../../arm/resource-id.ts";
import type { Change, Draft, ResourceType } from "../../arm/resource-type.ts";
import type { Principal } from "../../identity/principals.ts";
import { Fault } from "../../kernel/fault.ts";
import type { Administrator } from "./engine.ts";
import { postgresFault } from "./faults.ts";
import { apiVersions, type PostgresContext, serverType } from "./flexible-servers.ts";
import { runningServer } from "./databases.ts";

const type = `${serverType}/administrators`;

const kinds = { User: "user", Group: "group", ServicePrincipal: "service" } as const;

type Kind = keyof typeof kinds;

const isKind = (value: string): value is Kind => Object.hasOwn(kinds, value);

/** `principalType` as asked is not to be relied on: az says User for service principals too (az-cli.md 4.6). */
const kindOf = (asked: string, principal: Principal | undefined): Kind => {
  if (principal !== undefined) return principal.kind;
  if (isKind(asked)) return asked;
  throw postgresFault("invalidParameter", {
    name: "principalType",
    why: "Use User, Group or ServicePrincipal, or the object id of a principal of this tenant.",
  });
};

const draft = async ({ body, name, existing }: Change, { arm }: PostgresContext): Promise<Draft> => {
  const objectId = name.toLowerCase();
  const asked = { ...objectOf(existing?.properties), ...objectOf(body["properties"]) };
  const principalName = textOf(asked["principalName"]);
  if (principalName === "") throw postgresFault("missingParameter", { name: "principalName" });
  if (/[\0\n]/.test(principalName) || new TextEncoder().encode(principalName).length > 63)
    throw postgresFault("invalidParameter", {
      name: "principalName",
      why: "It becomes a role's name: at most 63 bytes.",
    });
  const tenantId = textOf(asked["tenantId"]);
  if (tenantId !== "" && tenantId.toLowerCase() !== arm.tenant.tenantId)
    throw postgresFault("invalidParameter", { name: "tenantId", why: `This tenant is ${arm.tenant.tenantId}.` });
  const principal = await arm.directory.principal(objectId);
  const principalType = kindOf(textOf(asked["principalType"]), principal);
  return { properties: { principalType, principalName, objectId, tenantId: arm.tenant.tenantId } };
};

const administratorOf = ({ properties }: ResourceRecord): Administrator => {
  const kind = textOf(properties["principalType"]);
  return {
    principalName: textOf(properties["principalName"]),
    objectId: textOf(properties["objectId"]),
    type: isKind(kind) ? kinds[kind] : "user",
  };
};

/** `.../administrators/{objectId}`: an Entra principal as a role with all an administrator's rights. */
export const administrators = (context: PostgresContext): ResourceType => ({
  type,
  apiVersions,
  at: "group",
  tracked: false,
  nameRule: {
    pattern: /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i,
    text: "Use the principal's object id.",
  },
  codes: { created: 202, updated: 202, deleted: 202 },
  write: async (change) => {
    const written = await draft(change, context);
    const server = await runningServer(context, parentOf(change.id), type);
    const { principalName, objectId } = written.properties;
    // Names are roles' names: two principals cannot share one.
    const others = await context.arm.resources.below(server.id, type);
    if (
      others.some(
        ({ properties }) => properties["principalName"] === principalName && properties["objectId"] !== objectId,
      )
    )
      throw postgresFault("administratorExists", { name: textOf(principalName), server: server.name, why: "" });
    return written;
  },
  written: async (record, { existing }) => {
    const server = await runningServer(context, parentOf(record.id), type);
    const administrator = administratorOf(record);
    if (existing !== undefined && administratorOf(existing).principalName !== administrator.principalName)
      await context.engine.deleteAdministrator(server.name, administrator.objectId);
    try {
      await context.engine.putAdministrator(server.name, administrator);
    } catch (error) {
      throw refused(error, administrator.principalName, server.name);
    }
  },
  deleting: async (record) => {
    const server = await context.arm.resources.get(parentOf(record.id));
    // With its server everything goes; and a server that is gone has no roles to take back.
    if (server === undefined || !context.engine.has(server.name) || server.properties["state"] === "Stopped") return;
    await context.engine.deleteAdministrator(server.name, textOf(record.properties["objectId"]));
  },
});

const refused = (error: unknown, name: string, server: string): unknown => {
  if (error instanceof Fault || !(error instanceof Error)) return error;
  return postgresFault("administratorExists", { name, server, why: error.message });
};
