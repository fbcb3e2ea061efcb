import { join } from "node:path";
import { type ArcKeyFiles, arcKeyFiles } from "./arc-keys.ts";
import type { EgressOptions } from "./egress/egress.ts";
import { type IssuerKeys, issuerKeys } from "./identity/issuer-keys.ts";
import { type WorkloadIssuer, workloadIssuer } from "./identity/workload-issuer.ts";
import type { Ids } from "./kernel/ids.ts";
import { type ProjectedTokens, projectedTokens } from "./projected-tokens.ts";
import type { Store } from "./store/store.ts";
import type { TenantClock } from "./tenant-clock.ts";

/** Identities that are proved by files: projected service account tokens, other issuers' tokens, Arc's challenges. */
export interface Workloads {
  readonly arcKeys: ArcKeyFiles;
  readonly issuer: WorkloadIssuer;
  readonly issuerKeys: IssuerKeys;
  readonly projected: ProjectedTokens;
  close(): Promise<void>;
}

/** How federated issuers are reached; default: the machine's resolver, and public addresses only. */
export type IssuerEgress = Partial<Pick<EgressOptions, "resolve" | "permits" | "ca">>;

export const openWorkloads = (options: {
  readonly store: Store;
  readonly stateDirectory: string;
  readonly tenantId: string;
  readonly clock: TenantClock;
  readonly ids: Ids;
  readonly trustedIssuers: readonly string[];
  readonly egress: IssuerEgress | undefined;
  readonly onError: (error: unknown) => void;
}): Workloads => {
  const { clock, trustedIssuers } = options;
  const issuer = workloadIssuer(options);
  const projected = projectedTokens({ ...options, folder: join(options.stateDirectory, "federated"), issuer });
  clock.onChange(() => void projected.refresh());
  const arcKeys = arcKeyFiles(options.ids);
  return {
    arcKeys,
    issuer,
    projected,
    issuerKeys: issuerKeys({
      own: issuer,
      trusted: trustedIssuers,
      clock,
      // Only hosts of trusted issuers, and only when the first one is asked for.
      fetchJson: async (url) => {
        const { openEgress } = await import("./egress/egress.ts");
        const allow = trustedIssuers.flatMap((each) => (URL.canParse(each) ? [new URL(each).host] : []));
        return openEgress({ ...options.egress, allow }).json(url);
      },
    }),
    close: async () => {
      await projected.close();
      await arcKeys.close();
    },
  };
};
