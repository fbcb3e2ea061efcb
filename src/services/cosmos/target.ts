import type { Call } from "../../kernel/call.ts";
import type { Request } from "../../kernel/message.ts";
import { type AnyOperation, type Operation, operationsOf } from "../../kernel/operation.ts";
import type { Account } from "./accounts.ts";
import { type DataAction, type KeyAction } from "./actions.ts";
import type { Place } from "./engine/engine.ts";
import type { ContainerRecord, DatabaseRecord } from "./engine/records.ts";

/** What a request of the data plane is about. */
export interface CosmosTarget {
  readonly account: Account;
  /** As the URL names it, name or rid. */
  readonly databaseName: string | undefined;
  readonly containerName: string | undefined;
  /** Undefined: there is none; authorization comes before anybody is told. */
  readonly database: DatabaseRecord | undefined;
  readonly container: ContainerRecord | undefined;
}

export type CosmosCall = Call<CosmosTarget, Readonly<Record<string, string>>>;

/** Which of several operations of one address a request is. */
export type Intent = "query" | "plan" | "batch" | "changes" | "";

export interface CosmosOperation extends AnyOperation<CosmosTarget> {
  readonly intent: Intent;
}

const typed = operationsOf<CosmosTarget, never, DataAction | KeyAction>();

/** Types an operation: rights and path parameters that do not exist do not compile. */
export const cosmosOperation = <const Path extends string>(
  operation: Operation<CosmosTarget, never, DataAction | KeyAction, Path> & { readonly intent?: Intent },
): CosmosOperation => ({ ...typed(operation), intent: operation.intent ?? "" });

/** Scope of a native right: the account's id, then `/dbs/{database}`, then `/colls/{container}`. */
export const scopeOf = (target: CosmosTarget): string => {
  const database = target.database?.id ?? target.databaseName;
  const container = target.container?.id ?? target.containerName;
  const above = database === undefined ? target.account.id : `${target.account.id}/dbs/${database}`;
  return container === undefined ? above : `${above}/colls/${container}`;
};

/** Headers that hold a boolean come as `true` or `True`. */
export const flag = (request: Pick<Request, "header">, name: string): boolean =>
  request.header(name)?.toLowerCase() === "true";

export type Located = Place & { readonly database: DatabaseRecord };
