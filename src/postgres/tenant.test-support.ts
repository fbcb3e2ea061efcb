/** A small tenant for tests: signing keys, a certificate authority, a directory, and an engine in a temporary folder. */
import { generateKeyPairSync, webcrypto } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import "reflect-metadata";
import * as x509 from "@peculiar/x509";
import { errors, jwtVerify, SignJWT, type JWTPayload } from "jose";
import { Client } from "pg";
import type { LoginDecision } from "./admission.ts";
import type { Directory } from "./directory.ts";
import type { Certificate } from "./front-door/gate.ts";
import { openPostgres, type Postgres } from "./postgres.ts";
import type { TokenVerdict } from "./token.ts";

export const tenantId = "3f0a6a4e-6b1f-4b58-9a0f-0d4a2f6d2c11";
export const audience = "https://ossrdbms-aad.database.windows.net";
const issuer = `https://sts.windows.net/${tenantId}/`;

const signing = generateKeyPairSync("rsa", { modulusLength: 2048 });
const foreign = generateKeyPairSync("rsa", { modulusLength: 2048 });

export interface Mint {
  readonly oid: string;
  readonly type?: "user" | "service";
  readonly groups?: readonly string[];
  readonly audience?: string;
  /** Seconds from now; negative: expired. */
  readonly lifetime?: number;
  readonly forged?: boolean;
  readonly claims?: JWTPayload;
}

export const mint = async (wanted: Mint): Promise<string> => {
  const {
    oid,
    type = "service",
    groups = [],
    audience: aud = audience,
    lifetime = 3600,
    forged = false,
    claims,
  } = wanted;
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT({ oid, sub: oid, tid: tenantId, groups, idtyp: type === "service" ? "app" : "user", ...claims })
    .setProtectedHeader({ alg: "RS256", typ: "JWT", kid: "test" })
    .setIssuer(issuer)
    .setAudience(aud)
    .setIssuedAt(now - 300)
    .setNotBefore(now - 300)
    .setExpirationTime(now + lifetime)
    .sign(forged ? foreign.privateKey : signing.privateKey);
};

const reasons = (error: unknown): Extract<TokenVerdict, { ok: false }>["reason"] => {
  if (error instanceof errors.JWTExpired) return "expired";
  if (error instanceof errors.JWTClaimValidationFailed) return error.claim === "aud" ? "audience" : "issuer";
  return error instanceof errors.JWSSignatureVerificationFailed ? "signature" : "malformed";
};

export const verify = async (token: string): Promise<TokenVerdict> => {
  try {
    const { payload } = await jwtVerify(token, signing.publicKey, {
      algorithms: ["RS256"],
      issuer,
      audience: [audience, `${audience}/`],
      requiredClaims: ["exp", "nbf", "oid"],
    });
    const groups = Array.isArray(payload["groups"]) ? payload["groups"].map(String) : [];
    const type = payload["idtyp"] === "app" ? "service" : "user";
    return { ok: true, oid: String(payload["oid"]), type, groups, claims: payload };
  } catch (error) {
    return { ok: false, reason: reasons(error) };
  }
};

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

const newKeys = async (): Promise<webcrypto.CryptoKeyPair> =>
  webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);

export interface Authority {
  /** PEM of the root. */
  readonly ca: string;
  certificate(host: string): Promise<Certificate>;
}

export const createAuthority = async (): Promise<Authority> => {
  x509.cryptoProvider.set(webcrypto);
  const keys = await newKeys();
  const [notBefore, notAfter] = [new Date(Date.now() - 3_600_000), new Date(Date.now() + 86_400_000)];
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    name: "CN=Test root",
    keys,
    notBefore,
    notAfter,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
    ],
  });
  return {
    ca: root.toString("pem"),
    certificate: async (host) => {
      const leafKeys = await newKeys();
      const leaf = await x509.X509CertificateGenerator.create({
        subject: `CN=${host}`,
        issuer: root.subject,
        publicKey: leafKeys.publicKey,
        signingKey: keys.privateKey,
        notBefore,
        notAfter,
        signingAlgorithm: algorithm,
        extensions: [new x509.SubjectAlternativeNameExtension([{ type: "dns", value: host }])],
      });
      const key = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", leafKeys.privateKey)).toString("base64");
      const pem = `-----BEGIN PRIVATE KEY-----\n${key.replaceAll(/(.{64})/g, "$1\n")}\n-----END PRIVATE KEY-----\n`;
      return { cert: leaf.toString("pem"), key: pem };
    },
  };
};

export interface TestTenant {
  readonly engine: Postgres;
  readonly decisions: LoginDecision[];
  readonly folder: string;
  readonly authority: Authority;
  directory: Directory;
  /** A connected client; the shared port unless `port` is given. */
  connect(options: ConnectOptions): Promise<Client>;
  /** Closes the engine and opens another one on the same folder. */
  reopen(): Promise<void>;
  dispose(): Promise<void>;
}

export interface ConnectOptions {
  readonly server: string;
  readonly user: string;
  readonly password: string;
  readonly database?: string;
  readonly port?: number;
  readonly ssl?: boolean;
}

export const createTestTenant = async (): Promise<TestTenant> => {
  const folder = mkdtempSync(join(tmpdir(), "lanyard-pg-"));
  const authority = await createAuthority();
  const decisions: LoginDecision[] = [];
  const clients = new Set<Client>();
  let directory: Directory = { tenantId, principals: [] };

  const open = async (): Promise<Postgres> =>
    openPostgres({
      stateDirectory: join(folder, "state"),
      runtimeDirectory: join(folder, "run"),
      certificate: (host) => authority.certificate(host),
      verify,
      onDecision: (decision) => decisions.push(decision),
      directory: () => directory,
      ports: [],
    });

  let engine = await open();

  const closeClients = async (): Promise<void> => {
    for (const client of clients) await client.end().catch(() => {});
    clients.clear();
  };

  return {
    get engine() {
      return engine;
    },
    decisions,
    folder,
    authority,
    get directory() {
      return directory;
    },
    set directory(value) {
      directory = value;
    },
    connect: async ({ server, user, password, database = "postgres", port, ssl = true }) => {
      const client = new Client({
        host: "127.0.0.1",
        port: port ?? engine.frontDoorPort,
        user,
        password,
        database,
        ssl: ssl ? { ca: authority.ca, servername: `${server}.postgres.database.azure.com` } : false,
      });
      client.on("error", () => {});
      await client.connect();
      clients.add(client);
      return client;
    },
    reopen: async () => {
      await closeClients();
      await engine.close();
      engine = await open();
    },
    dispose: async () => {
      await closeClients();
      await engine.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
};
