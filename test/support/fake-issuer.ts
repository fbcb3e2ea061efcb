/** An OpenID Connect issuer on loopback, with a certificate of the tenant's own authority: what a CI service would be. */
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { SignJWT } from "jose";
import type { Certificates } from "../../src/edge/certificates.ts";

export interface FakeIssuer extends AsyncDisposable {
  readonly issuer: string;
  readonly ca: string;
  /** Paths that were asked for, oldest first. */
  readonly asked: string[];
  /** What the next requests are answered with instead. */
  answer:
    | ((path: string) => { status: number; headers?: Record<string, string>; body?: string } | undefined)
    | undefined;
  sign(claims: Record<string, unknown>, by?: { kid?: string; key?: KeyObject; alg?: string }): Promise<string>;
  /** A new key under a new id; the old one is no longer published. */
  rotate(): void;
}

export const startFakeIssuer = async (certificates: Certificates): Promise<FakeIssuer> => {
  let pair = generateKeyPairSync("rsa", { modulusLength: 2048 });
  let kid = "one";
  const asked: string[] = [];
  const server = createServer({ key: certificates.server.key, cert: certificates.server.cert }, (request, response) => {
    const path = request.url ?? "";
    asked.push(path);
    const special = fake.answer?.(path);
    if (special !== undefined) {
      response.writeHead(special.status, special.headers).end(special.body);
      return;
    }
    const jwk = { ...pair.publicKey.export({ format: "jwk" }), kid, use: "sig", alg: "RS256" };
    const documents: Record<string, unknown> = {
      "/.well-known/openid-configuration": { issuer: fake.issuer, jwks_uri: `${fake.issuer}/keys` },
      "/keys": { keys: [{ kty: "EC", kid: "other" }, "nonsense", jwk] },
    };
    const document = documents[path];
    response.writeHead(document === undefined ? 404 : 200).end(JSON.stringify(document ?? {}));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const fake: FakeIssuer = {
    issuer: `https://localhost:${(server.address() as AddressInfo).port}`,
    ca: readFileSync(certificates.caFile, "utf8"),
    asked,
    answer: undefined,
    sign: (claims, by = {}) => {
      const now = Math.floor(Date.now() / 1000);
      return new SignJWT({ iss: fake.issuer, iat: now, nbf: now, exp: now + 600, ...claims })
        .setProtectedHeader({ alg: by.alg ?? "RS256", kid: by.kid ?? kid })
        .sign(by.key ?? pair.privateKey);
    },
    rotate: () => {
      pair = generateKeyPairSync("rsa", { modulusLength: 2048 });
      kid = `${kid}+`;
    },
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return fake;
};
