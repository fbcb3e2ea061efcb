/** What the front door asks the rest of the product. It decides nothing itself; answers may come from another thread. */
import type { Refusal } from "./protocol.ts";

/** A login that a client tries. */
export interface Attempt {
  /** Server name, e.g. `pg1` of `pg1.postgres.database.azure.com`. */
  readonly server: string;
  /** User name as the client sent it. */
  readonly user: string;
  readonly database: string;
}

export type Admission =
  | { readonly kind: "refused"; readonly refusal: Refusal }
  /** The role belongs to an Entra principal: ask for a token. */
  | { readonly kind: "token" }
  /** PostgreSQL checks the password. `user` is the role name to log in with. */
  | { readonly kind: "password"; readonly user: string; readonly socketPath: string };

export type TokenAdmission =
  | { readonly ok: false; readonly refusal: Refusal }
  /** `secret` is the password that the product gave the role on its own cluster. */
  | {
      readonly ok: true;
      readonly user: string;
      readonly socketPath: string;
      readonly secret: string;
      readonly oid: string;
    };

export interface Certificate {
  /** PEM: leaf, then intermediates. */
  readonly cert: string;
  /** PEM. */
  readonly key: string;
}

export interface Gate {
  certificate(host: string): Promise<Certificate>;
  begin(attempt: Attempt): Promise<Admission>;
  /** @param renew make a new secret: the role's password was changed by somebody. */
  token(attempt: Attempt, token: string, renew: boolean): Promise<TokenAdmission>;
  /** How a login ended that PostgreSQL decided. */
  outcome(attempt: Attempt, allowed: boolean, reason: string, oid?: string): void;
}

export const domain = ".postgres.database.azure.com";
