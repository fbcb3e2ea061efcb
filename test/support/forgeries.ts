/** Tokens that must be refused everywhere, made from one that is good. */
import { createHmac, createPublicKey, generateKeyPairSync, type JsonWebKey, sign } from "node:crypto";

type Json = Readonly<Record<string, unknown>>;

const encode = (value: Json): string => Buffer.from(JSON.stringify(value)).toString("base64url");
const decode = (part: string): Json => JSON.parse(Buffer.from(part, "base64url").toString()) as Json;

/** @param key of the tenant's published key set */
export const forgeries = (good: string, key: JsonWebKey): readonly (readonly [name: string, token: string])[] => {
  const [header = "", payload = "", signature = ""] = good.split(".");
  const head = decode(header);
  const claims = decode(payload);
  const foreign = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const rs256 = (head: Json, claims: Json): string => {
    const signed = `${encode(head)}.${encode(claims)}`;
    return `${signed}.${sign("sha256", Buffer.from(signed), foreign.privateKey).toString("base64url")}`;
  };
  const foreignJwk = foreign.publicKey.export({ format: "jwk" });
  const publicPem = createPublicKey({ key, format: "jwk" }).export({ type: "spki", format: "pem" });
  const confused = `${encode({ ...head, alg: "HS256" })}.${payload}`;
  const flipped = `${signature.slice(0, 20)}${signature[20] === "A" ? "B" : "A"}${signature.slice(21)}`;
  return [
    ["signed by another key", rs256(head, claims)],
    ["signed by a key that it brings along", rs256({ ...head, jwk: foreignJwk, kid: "mine" }, claims)],
    ["naming a key set of its own", rs256({ ...head, jku: "https://example.com/keys", kid: "mine" }, claims)],
    [
      "with edited claims",
      `${header}.${encode({ ...claims, oid: "0b9a0a52-0000-4000-8000-00000000ffff" })}.${signature}`,
    ],
    ["with a later end", `${header}.${encode({ ...claims, exp: Number(claims["exp"]) + 86_400 })}.${signature}`],
    ["with another signature", `${header}.${payload}.${flipped}`],
    ["without a signature", `${header}.${payload}.`],
    ["with alg none", `${encode({ ...head, alg: "none" })}.${payload}.`],
    ["with alg None and the signature", `${encode({ ...head, alg: "None" })}.${payload}.${signature}`],
    [
      "signed with the public key as a shared secret",
      `${confused}.${createHmac("sha256", publicPem).update(confused).digest("base64url")}`,
    ],
    ["of another tenant", rs256(head, { ...claims, tid: crypto.randomUUID(), iss: "https://sts.windows.net/common/" })],
    ["that is no token", "nonsense"],
    ["that is empty in three parts", ".."],
  ];
};
