import type { KeyObject } from "node:crypto";
import { SignJWT } from "jose";
import { type Clock, epochSeconds } from "../kernel/clock.ts";
import type { Store } from "../store/store.ts";
import { openSigningKey, type SigningKey } from "./signing-keys.ts";

/** The tenant's stand-in for a Kubernetes cluster's issuer: it signs service account tokens, with a key of its own. */
export interface WorkloadIssuer {
  /** The `iss` of its tokens, and the address of its discovery document. */
  readonly issuer: string;
  readonly host: string;
  /** A projected service account token, as kubelet writes it into a pod. */
  token(subject: string): Promise<{ readonly token: string; readonly expiresAt: number }>;
  /** The key that signs; made when first wanted. */
  key(): Promise<SigningKey>;
  publicKey(kid: string | undefined): Promise<KeyObject | undefined>;
}

/** The audience that Entra expects of assertions (learn.microsoft.com/entra/workload-id/workload-identity-federation). */
export const exchangeAudience = "api://AzureADTokenExchange";

/** Kubernetes projects tokens for an hour and renews them at four fifths. */
export const projectedLifetime = 3600;

const host = "oidc.lanyard.localhost";

export const workloadIssuer = (options: {
  readonly store: Store;
  readonly tenantId: string;
  readonly clock: Clock;
}): WorkloadIssuer => {
  const { store, tenantId, clock } = options;
  const issuer = `https://${host}/${tenantId}`;
  let opened: Promise<SigningKey> | undefined;
  const key = (): Promise<SigningKey> => (opened ??= openSigningKey(store, "workload-signing"));
  return {
    issuer,
    host,
    key,
    publicKey: async (kid) => {
      const own = await key();
      return kid === own.kid ? own.publicKey : undefined;
    },
    token: async (subject) => {
      const { kid, privateKey } = await key();
      const now = epochSeconds(clock);
      const expiresAt = now + projectedLifetime;
      const token = await new SignJWT({
        iss: issuer,
        sub: subject,
        aud: [exchangeAudience],
        iat: now,
        nbf: now,
        exp: expiresAt,
      })
        .setProtectedHeader({ alg: "RS256", kid })
        .sign(privateKey);
      return { token, expiresAt };
    },
  };
};
