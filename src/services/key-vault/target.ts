import type { Call } from "../../kernel/call.ts";
import type { AnyOperation, Operation, Requirement } from "../../kernel/operation.ts";
import type { PolicyNeed, VaultDataAction } from "./actions.ts";
import { checkRequest } from "./request.ts";
import type { Vault } from "./vault.ts";

/** What a request is about. */
export interface VaultTarget {
  readonly vault: Vault;
  readonly operation: VaultOperation;
  /** Resource id that rights are checked at: the object's, for lists the vault's (access.md 3.4). */
  readonly scope: string;
}

/** What a vault operation declares beyond the kernel's own. */
export interface VaultExtras {
  /** What an access policy must grant for it. */
  readonly policy: PolicyNeed;
  /** First api-version that has it, as `7.3` or `2016-10-01`; default: all. */
  readonly since?: string;
}

export interface VaultOperation extends AnyOperation<VaultTarget>, VaultExtras {}

export type VaultCall = Call<VaultTarget>;

/** Largest body: a secret's 25 KB and everything a certificate brings. */
const bodyLimit = 512 * 1024;

/**
 * Types a vault operation. Names, versions and the api-version are checked once it is known who asks: the first request of
 * every client comes without a token and wants its challenge (identity-and-routing.md 4).
 */
export const vaultOperation = (
  operation: Operation<VaultTarget, never, VaultDataAction> & VaultExtras,
): VaultOperation => {
  const { needs } = operation;
  const checked: Requirement<never, VaultDataAction, VaultCall> = {
    depends: (call) => {
      if (call.caller.kind !== "anonymous") checkRequest(call, operation.since);
      return needs;
    },
    says: needs,
  };
  return { bodyLimit, ...operation, needs: checked };
};

/** Name of the object that a request is about; "" for lists. */
export const nameIn = (call: Pick<Call, "parameters">): string => call.parameters["name"] ?? "";

/** Its version; "" for the current one. */
export const versionIn = (call: Pick<Call, "parameters">): string => call.parameters["version"] ?? "";

/** Secret, key and certificate ids, as every answer names objects. */
export const objectId = (vault: Pick<Vault, "name">, ...path: readonly string[]): string =>
  `https://${vault.name.toLowerCase()}.vault.azure.net/${path.join("/")}`;
