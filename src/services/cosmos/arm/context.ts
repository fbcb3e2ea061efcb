import type { ArmContext } from "../../../arm/context.ts";
import { armFault } from "../../../arm/faults.ts";
import type { JsonObject, ResourceRecord } from "../../../arm/record.ts";
import { isObject, objectOf } from "../../../arm/record.ts";
import { nameOf } from "../../../arm/resource-id.ts";
import type { ArmCall } from "../../../arm/resource-type.ts";
import { Fault } from "../../../kernel/fault.ts";
import { type Accounts, accountType } from "../accounts.ts";
import type { Roles } from "../auth/roles.ts";
import type { Engine } from "../engine/engine.ts";

/** What the management plane of Cosmos DB works with. */
export interface CosmosArm {
  readonly arm: ArmContext;
  readonly engine: Engine;
  readonly roles: Roles;
  readonly accounts: Accounts;
}

export const apiVersions = [
  "2026-03-15",
  "2025-10-15",
  "2025-04-15",
  "2024-11-15",
  "2024-05-15",
  "2023-04-15",
  "2022-08-15-preview",
  "2021-10-15",
];

/** The account that a child's id (or a list's) lies in. @throws 404 */
export const accountAt = async ({ arm, accounts }: CosmosArm, id: string, type: string): Promise<ResourceRecord> => {
  const own = /^.*\/providers\/Microsoft\.DocumentDB\/databaseAccounts\/[^/]+/i.exec(id)?.[0] ?? id;
  const record = await arm.resources.get(own);
  if (record === undefined || record.type !== accountType)
    throw armFault("parentNotFound", { verb: "access", type, parent: nameOf(own) });
  // The engine learns of its settings.
  await accounts.named(record.name);
  return record;
};

/** Members of `properties`. @throws 400 */
export const propertiesOf = async (call: ArmCall): Promise<JsonObject> => {
  const body = (await call.body.json()) ?? {};
  if (!isObject(body)) throw armFault("invalidContent", { why: "The request body must be a JSON object." });
  return objectOf(body["properties"]);
};

/** Faults of the engine, worded for the management plane: code and text without the data plane's trimmings. */
export const asArm = async <T>(work: Promise<T>): Promise<T> => {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const text = /"Errors":\["(.*)"\]/.exec(error.message)?.[1];
    throw new Fault({ status: error.status, code: error.code, message: text ?? error.message });
  }
};

export const notFound = (what: string, name: string): Fault =>
  new Fault({ status: 404, code: "NotFound", message: `The ${what} '${name}' does not exist.` });
