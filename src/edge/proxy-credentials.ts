import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

/** Whom a proxy credential stands for. */
export interface ProxyAccount {
  readonly secret: string;
  /** App that the connection is known by; undefined for the developer's own shell. */
  readonly app: string | undefined;
}

/** A name and a secret as they were presented. */
export interface Credential {
  readonly name: string;
  readonly secret: string;
}

/** Finds the account behind a user name. */
export type ProxyAccounts = (name: string) => ProxyAccount | undefined;

// Hashing both sides makes them equally long, which timingSafeEqual needs, and hides the length.
const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
const decoy = randomBytes(32);

/** Compares in constant time, also for a name that does not exist. */
export const verifyAccount = (accounts: ProxyAccounts, { name, secret }: Credential): ProxyAccount | undefined => {
  const account = accounts(name);
  const equal = timingSafeEqual(digest(secret), account === undefined ? decoy : digest(account.secret));
  return equal ? account : undefined;
};

/** The credential of a `Proxy-Authorization: Basic` header; undefined when it is absent, malformed or wrong. */
export const proxyCredential = (accounts: ProxyAccounts, header: string | undefined): Credential | undefined => {
  const encoded = /^Basic ([A-Za-z0-9+/=]{1,1024})$/i.exec(header ?? "")?.[1];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, "base64").toString("utf8");
  const colon = text.indexOf(":");
  if (colon < 0) return undefined;
  const credential = { name: text.slice(0, colon), secret: text.slice(colon + 1) };
  return verifyAccount(accounts, credential) === undefined ? undefined : credential;
};
