import type { Account } from "../target.ts";
import { sign } from "./signature.ts";

/** The fields of a user delegation key, as the SAS repeats them. */
export interface DelegationKey {
  readonly oid: string;
  readonly tid: string;
  readonly start: string;
  readonly expiry: string;
  readonly service: string;
  readonly version: string;
  /** Tenant of the one user that the SAS may be used by. */
  readonly delegatedTid?: string;
}

/**
 * The key's value is derived from a secret of the account, so nothing is stored, nobody else can make one, it is no good
 * on another account, and a new secret revokes all (storage.md 4.5).
 */
export const delegationKeyValue = (account: Pick<Account, "delegationSecret">, key: DelegationKey): string =>
  sign(
    account.delegationSecret,
    JSON.stringify([key.oid, key.tid, key.start, key.expiry, key.service, key.version, key.delegatedTid ?? ""]),
  );
