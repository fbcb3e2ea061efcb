import { json, type Reply } from "../kernel/message.ts";
import type { ArmContext } from "./context.ts";

/**
 * A 202 for a write that is done already, with an operation to poll: newer management clients of some services
 * (azure-mgmt-postgresqlflexibleservers 3, which az 2.91 uses) take no other status. Only `Azure-AsyncOperation` is sent,
 * so that every client reads the outcome from the resource itself.
 */
export const acceptedWrite = async (
  context: ArmContext,
  what: { readonly resourceId: string; readonly startedBy: string; readonly shown: unknown },
): Promise<Reply> => {
  const headers = await context.longRunning.start({ ...what, work: () => Promise.resolve() });
  return json(what.shown, 202, { "azure-asyncoperation": headers["azure-asyncoperation"] ?? "" });
};

/** The same for a deletion or an action: there is nothing to read afterwards, so the poll is of `Location`. */
export const accepted = async (
  context: ArmContext,
  what: { readonly resourceId: string; readonly startedBy: string },
): Promise<Reply> => {
  const headers = await context.longRunning.start({ ...what, work: () => Promise.resolve() });
  return { status: 202, headers: { location: headers["location"] ?? "" } };
};
