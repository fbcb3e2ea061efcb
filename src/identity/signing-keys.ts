import { createHash, createPublicKey, generateKeyPair, type KeyObject, createPrivateKey } from "node:crypto";
import { promisify } from "node:util";
import { type CollectionSpec, ConditionFailed, type Store } from "../store/store.ts";

/** The token service's signing key. The private half is sealed at rest. */
export interface SigningKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** Public JWK as the JWKS document publishes it. */
  readonly jwk: Readonly<Record<string, unknown>>;
}

interface StoredKey {
  readonly kid: string;
  /** PKCS#8 PEM. */
  readonly pem: string;
}

const spec: CollectionSpec<StoredKey> = { name: "signing-keys", sealed: ["pem"] };
const partition = "keys";

/** Reads one of the tenant's RSA-2048 signing keys, or makes it. */
export const openSigningKey = async (
  store: Store,
  key: "token-signing" | "workload-signing" = "token-signing",
): Promise<SigningKey> => {
  const collection = store.collection(spec);
  const known = await collection.get(partition, key);
  if (known !== undefined) return fromStored(known.value);
  const pair = await promisify(generateKeyPair)("rsa", { modulusLength: 2048 });
  const thumbprint = createHash("sha1")
    .update(pair.publicKey.export({ type: "spki", format: "der" }))
    .digest();
  const stored = {
    kid: thumbprint.toString("base64url"),
    pem: pair.privateKey.export({ type: "pkcs8", format: "pem" }) as string,
  };
  try {
    await collection.put(partition, key, stored, { ifNoneMatch: "*" });
    return fromStored(stored);
  } catch (error) {
    if (!(error instanceof ConditionFailed)) throw error;
    return openSigningKey(store, key);
  }
};

const fromStored = (stored: StoredKey): SigningKey => {
  const privateKey = createPrivateKey(stored.pem);
  const publicKey = createPublicKey(privateKey);
  return {
    kid: stored.kid,
    privateKey,
    publicKey,
    jwk: { ...publicKey.export({ format: "jwk" }), use: "sig", kid: stored.kid, x5t: stored.kid, alg: "RS256" },
  };
};
