/** The services of a tenant: the only file that imports them all. */
import { azureRbac } from "./access/decider.ts";
import type { ArmContext } from "./arm/context.ts";
import { armService } from "./arm/service.ts";
import type { ResourceType } from "./arm/resource-type.ts";
import type { IssuerKeys } from "./identity/issuer-keys.ts";
import type { WorkloadIssuer } from "./identity/workload-issuer.ts";
import type { AppSecrets } from "./identity/app-secrets.ts";
import type { ServicePrincipal } from "./identity/principals.ts";
import type { ManagedIdentityTokens } from "./identity/managed-identity-tokens.ts";
import type { TokenIssuer } from "./identity/tokens.ts";
import type { TokenVerifier } from "./identity/verify.ts";
import type { Kernel } from "./kernel/dispatch.ts";
import { anyService, type Service } from "./kernel/service.ts";
import { type AppService, openAppService } from "./services/app-service/app-service.ts";
import type { SiteRunner } from "./services/app-service/runner.ts";
import { openCosmos } from "./services/cosmos/cosmos.ts";
import { authorizationTypes } from "./services/authorization/service.ts";
import type { AccessState } from "./services/authorization/state.ts";
import { type ContainerApps, openContainerApps } from "./services/container-apps/container-apps.ts";
import type { ContainerRunner } from "./services/container-apps/runner.ts";
import { entraService } from "./services/entra/service.ts";
import { graphService } from "./services/graph/service.ts";
import { ipifyService } from "./services/ipify/service.ts";
import type { ArcKeys } from "./services/managed-identity/arc.ts";
import { openKeyVault } from "./services/key-vault/key-vault.ts";
import type { PrivateRsa } from "./services/key-vault/private-rsa.ts";
import { managedIdentityService } from "./services/managed-identity/endpoint.ts";
import { federatedCredentials, federatedCredentialsBelow } from "./services/managed-identity/federated-credentials.ts";
import { imdsService } from "./services/managed-identity/imds.ts";
import { workloadIssuerService } from "./services/managed-identity/workload-issuer.ts";
import { userAssignedIdentities } from "./services/managed-identity/user-assigned.ts";
import type { PostgresEngine } from "./services/postgres/engine.ts";
import { postgresOperations } from "./services/postgres/provider-operations.ts";
import { recoverServers } from "./services/postgres/flexible-servers.ts";
import { postgresTypes } from "./services/postgres/service.ts";
import { groupOperations, resumeGroupDeletions } from "./services/resources/groups.ts";
import { providerOperations } from "./services/resources/providers.ts";
import { subscriptionOperations } from "./services/resources/subscriptions.ts";
import { tags } from "./services/resources/tags.ts";
import { failInterruptedLinkers, linkers } from "./services/service-linker/linkers.ts";
import { openStorage } from "./services/storage/storage.ts";
import type { Store } from "./store/store.ts";
import { armDialect } from "./wire/arm-dialect.ts";
import { cosmosDialect } from "./wire/cosmos-dialect.ts";
import { graphDialect } from "./wire/graph-dialect.ts";
import { keyVaultDialect } from "./wire/key-vault-dialect.ts";
import { oauthDialect } from "./wire/oauth-dialect.ts";
import { storageDialect } from "./wire/storage-dialect.ts";

/** What services are built from. */
export interface Parts {
  readonly store: Store;
  readonly arm: ArmContext;
  readonly access: AccessState;
  readonly issuer: TokenIssuer;
  readonly verifier: TokenVerifier;
  readonly secrets: AppSecrets;
  readonly managedIdentityTokens: ManagedIdentityTokens;
  readonly workloads: { readonly arcKeys: ArcKeys; readonly issuer: WorkloadIssuer; readonly issuerKeys: IssuerKeys };
  readonly postgres: PostgresEngine;
  readonly siteRunner: SiteRunner;
  readonly containerRunner: ContainerRunner;
  /** The costly half of RSA, wherever the tenant does it. */
  readonly privateRsa: PrivateRsa;
  /** Whether Cosmos DB keeps clients to the provisioned throughput. */
  readonly enforceThroughput: boolean;
  /** Told of failures in the background; `where` names the part. */
  readonly onError: (error: unknown, where: string) => void;
  /** Is there such a token audience in the tenant? */
  readonly knownResource: (resource: string) => Promise<boolean>;
}

export interface Services {
  readonly list: readonly Service[];
  /** Every resource type, for reference pages. */
  readonly types: readonly ResourceType[];
  /** Apps on the web: upgrades, and their start once the tenant listens. */
  readonly appService: Pick<AppService, "upgrade" | "resume" | "setup">;
  readonly containerApps: Pick<ContainerApps, "upgrade" | "resume" | "variables">;
  /** Finishes or resumes what an earlier process left undone. Call once, before requests are served. */
  recover(kernel: Pick<Kernel, "invoke">, onError: (error: unknown, where: string) => void): Promise<void>;
  /** Ends what goes on in the background; before the store is closed. */
  close(): Promise<void>;
}

export const createServices = (parts: Parts): Services => {
  const { arm, verifier, issuer, knownResource } = parts;
  const { directory, resources, tenant, ids, clock } = arm;
  const rbac = azureRbac(parts.access.index, clock);
  const storage = openStorage({
    store: parts.store,
    resources,
    clock,
    ids,
    verifier,
    directory,
    rbac,
    tenantId: tenant.tenantId,
    dialect: storageDialect,
  });
  const cosmos = openCosmos({
    store: parts.store,
    arm,
    verifier,
    dialect: cosmosDialect,
    enforceThroughput: parts.enforceThroughput,
    onError: (error) => parts.onError(error, "Cosmos DB"),
  });
  const federation = {
    keys: parts.workloads.issuerKeys,
    ownIssuer: parts.workloads.issuer.issuer,
    credentialsOf: async (principal: ServicePrincipal) =>
      principal.servicePrincipalType === "ManagedIdentity"
        ? federatedCredentialsBelow(principal.resourceId ?? "/", resources)
        : ((await directory.application(principal.appId))?.federatedCredentials ?? []),
  };
  const identities = {
    resources,
    directory,
    tokens: parts.managedIdentityTokens,
    tenantName: tenant.displayName,
    knownResource,
  };
  const keyVault = openKeyVault({
    store: parts.store,
    arm,
    verifier,
    rbac,
    dialect: keyVaultDialect,
    privateRsa: parts.privateRsa,
  });
  const postgres = { arm, engine: parts.postgres };
  const appService = openAppService({
    store: parts.store,
    resources,
    clock,
    ids,
    verifier,
    rbac,
    runner: parts.siteRunner,
    onError: (error) => parts.onError(error, "App Service"),
  });
  const containerApps = openContainerApps({
    arm,
    runner: parts.containerRunner,
    onError: (error) => parts.onError(error, "Container Apps"),
  });
  const types: readonly ResourceType[] = [
    ...authorizationTypes(parts.access, arm),
    userAssignedIdentities({ tenant, ids }),
    federatedCredentials(resources),
    linkers(arm),
    tags(arm),
    ...storage.types,
    ...cosmos.types,
    ...keyVault.types,
    ...postgresTypes(postgres),
    ...appService.types,
    ...containerApps.types,
  ];
  const list = [
    anyService(entraService({ directory, issuer, knownResource, federation }, oauthDialect)),
    anyService(storage.service),
    anyService(cosmos.service),
    anyService(keyVault.service),
    anyService(graphService({ directory, tenant, verifier, dialect: graphDialect })),
    anyService(ipifyService()),
    ...appService.services,
    ...containerApps.services,
    anyService(
      armService({
        types,
        operations: [
          ...groupOperations(arm),
          ...subscriptionOperations(arm),
          ...providerOperations(arm, types),
          ...storage.armOperations,
          ...cosmos.armOperations,
          ...keyVault.armOperations,
          ...postgresOperations(resources),
          ...appService.armOperations,
          ...containerApps.armOperations,
        ],
        context: arm,
        verifier,
        rbac,
        dialect: armDialect,
      }),
    ),
    anyService(
      managedIdentityService({
        ...identities,
        secrets: parts.secrets,
        arcKeys: parts.workloads.arcKeys,
      }),
    ),
    anyService(imdsService(identities)),
    anyService(workloadIssuerService(parts.workloads.issuer)),
  ];
  return {
    list,
    types,
    appService,
    containerApps,
    close: () => cosmos.close(),
    recover: async (kernel, onError) => {
      await recoverServers(postgres, (error, name) => onError(error, `PostgreSQL server ${name}`));
      await failInterruptedLinkers(arm);
      await resumeGroupDeletions(arm, kernel);
      await appService.recover();
    },
  };
};
