/** ECDSA over a digest that the client made; signatures are r and s side by side, as JWA has them. */
import type { KeyObject } from "node:crypto";

export type Curve = "P-256" | "P-384" | "P-521" | "P-256K";

/** Node's names of the curves. */
export const namedCurve: Readonly<Record<Curve, string>> = {
  "P-256": "prime256v1",
  "P-384": "secp384r1",
  "P-521": "secp521r1",
  "P-256K": "secp256k1",
};

/** Imported at first use: an ordinary start needs none of it. */
const curveOf = async (curve: Curve) => {
  if (curve === "P-256K") return (await import("@noble/curves/secp256k1.js")).secp256k1;
  const { p256, p384, p521 } = await import("@noble/curves/nist.js");
  return { "P-256": p256, "P-384": p384, "P-521": p521 }[curve];
};

const options = { prehash: false, lowS: false } as const;

const bytes = (text: string | undefined): Buffer => Buffer.from(text ?? "", "base64url");

export const signEc = async (key: KeyObject, curve: Curve, digest: Buffer): Promise<Buffer> => {
  const { d } = key.export({ format: "jwk" });
  return Buffer.from((await curveOf(curve)).sign(digest, bytes(d), options));
};

export const verifyEc = async (key: KeyObject, curve: Curve, digest: Buffer, signature: Buffer): Promise<boolean> => {
  const { x, y } = key.export({ format: "jwk" });
  try {
    const point = Buffer.concat([Buffer.of(4), bytes(x), bytes(y)]);
    return (await curveOf(curve)).verify(signature, digest, point, options);
  } catch {
    // Not two numbers of the curve's size: no signature.
    return false;
  }
};
