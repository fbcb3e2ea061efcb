/**
 * SCRAM-SHA-256 (RFC 5802, RFC 7677) as PostgreSQL uses it: verifiers for `ALTER ROLE ... PASSWORD`, and the client side.
 * Channel binding is not used: the connections are unix sockets.
 */
import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from "node:crypto";

const hmac = (key: Buffer, text: string | Buffer): Buffer => createHmac("sha256", key).update(text).digest();
const sha256 = (bytes: Buffer): Buffer => createHash("sha256").update(bytes).digest();

/** PostgreSQL's own default for passwords that people choose. */
const iterationsForPeople = 4096;

/** A secret of 256 random bits gains nothing from stretching, and logins happen on every connect. */
export const iterationsForSecrets = 1;

/** 256 random bits as text. */
export const randomSecret = (): string => randomBytes(32).toString("base64url");

/** The text PostgreSQL stores for a password; sending it instead of the password keeps that out of logs and statistics. */
export const verifier = (password: string, iterations = iterationsForPeople): string => {
  const salt = randomBytes(16);
  // RFC 4013 as far as PostgreSQL's clients follow it: NFKC; unassigned and prohibited characters are taken as they are.
  const salted = pbkdf2Sync(password.normalize("NFKC"), salt, iterations, 32, "sha256");
  const stored = sha256(hmac(salted, "Client Key")).toString("base64");
  const server = hmac(salted, "Server Key").toString("base64");
  return `SCRAM-SHA-256$${iterations}:${salt.toString("base64")}$${stored}:${server}`;
};

/** One authentication exchange, from the client's side. */
export interface Exchange {
  /** The client-first-message. */
  readonly first: string;
  /** Answers the server-first-message with the client-final-message. @throws when the message is not acceptable. */
  final(serverFirst: string): string;
  /** Whether the server-final-message proves that the server knows the verifier. */
  proves(serverFinal: string): boolean;
}

const attribute = (message: string, name: string): string =>
  message
    .split(",")
    .find((part) => part.startsWith(`${name}=`))
    ?.slice(2) ?? "";

export const startExchange = (secret: string): Exchange => {
  const nonce = randomBytes(18).toString("base64");
  // PostgreSQL takes the user name from the startup message.
  const bare = `n=,r=${nonce}`;
  let expected: Buffer = Buffer.alloc(0);
  return {
    first: `n,,${bare}`,
    final: (serverFirst) => {
      const combined = attribute(serverFirst, "r");
      const iterations = Number(attribute(serverFirst, "i"));
      if (!combined.startsWith(nonce) || !Number.isInteger(iterations) || iterations < 1 || iterations > 1_000_000) {
        throw new Error("The server's SCRAM message does not continue ours.");
      }
      const salt = Buffer.from(attribute(serverFirst, "s"), "base64");
      const salted = pbkdf2Sync(secret, salt, iterations, 32, "sha256");
      const clientKey = hmac(salted, "Client Key");
      const withoutProof = `c=biws,r=${combined}`;
      const signed = `${bare},${serverFirst},${withoutProof}`;
      const signature = hmac(sha256(clientKey), signed);
      const proof = Buffer.from(clientKey.map((byte, index) => byte ^ (signature[index] ?? 0)));
      expected = hmac(hmac(salted, "Server Key"), signed);
      return `${withoutProof},p=${proof.toString("base64")}`;
    },
    proves: (serverFinal) => {
      const given = Buffer.from(attribute(serverFinal, "v"), "base64");
      return expected.length > 0 && given.length === expected.length && timingSafeEqual(given, expected);
    },
  };
};
