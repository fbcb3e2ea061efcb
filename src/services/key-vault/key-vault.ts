import type { ArmContext } from "../../arm/context.ts";
import type { ArmTarget, ResourceType } from "../../arm/resource-type.ts";
import type { TokenVerifier } from "../../identity/verify.ts";
import type { AnyOperation } from "../../kernel/operation.ts";
import type { Decider, Dialect, Service } from "../../kernel/service.ts";
import type { Store } from "../../store/store.ts";
import { openEngine } from "./engine.ts";
import { openGraveyard } from "./graveyard.ts";
import type { PrivateRsa } from "./private-rsa.ts";
import { keyVaultArmOperations } from "./provider-operations.ts";
import { openRenewal } from "./renewal.ts";
import { vaultService } from "./service.ts";
import type { VaultTarget } from "./target.ts";
import { accessPoliciesType, secretsType } from "./vault-children.ts";
import { keysType } from "./vault-keys.ts";
import { openVaults } from "./vaults.ts";
import { vaultResourceType } from "./vault-type.ts";

/** Everything Key Vault puts into a tenant. */
export interface KeyVault {
  readonly service: Service<VaultTarget>;
  readonly types: readonly ResourceType[];
  readonly armOperations: readonly AnyOperation<ArmTarget>[];
}

export const openKeyVault = (options: {
  readonly store: Store;
  readonly arm: ArmContext;
  readonly verifier: TokenVerifier;
  readonly rbac: Decider<VaultTarget>;
  readonly dialect: Dialect;
  readonly privateRsa: PrivateRsa;
}): KeyVault => {
  const { arm, store } = options;
  const { resources, clock, ids, tenant } = arm;
  const engine = openEngine(store, clock, ids);
  const renewal = openRenewal(engine);
  const vaults = openVaults(resources);
  const graveyard = openGraveyard(engine, resources);
  return {
    service: vaultService({ ...options, vaults, tenantId: tenant.tenantId }, engine, renewal),
    types: [
      vaultResourceType({ ids, graveyard, vaults, tenantId: tenant.tenantId }),
      accessPoliciesType({ resources, vaults }),
      secretsType({ resources, engine }),
      keysType({ resources, engine, renewal }),
    ],
    armOperations: keyVaultArmOperations(arm, graveyard),
  };
};
