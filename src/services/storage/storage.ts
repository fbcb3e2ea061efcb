import type { Resources } from "../../arm/resources.ts";
import type { ArmTarget, ResourceType } from "../../arm/resource-type.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Ids } from "../../kernel/ids.ts";
import type { AnyOperation } from "../../kernel/operation.ts";
import type { Service } from "../../kernel/service.ts";
import { storageAccountType, storageArmOperations } from "./account-type.ts";
import { openAccounts } from "./accounts.ts";
import { blobContainerType, blobServiceType } from "./container-types.ts";
import { collectGarbage, dropAccount } from "./engine/containers.ts";
import { openEngine } from "./engine/engine.ts";
import { type StorageServiceDependencies, storageService } from "./service.ts";
import type { BlobTarget } from "./target.ts";

/** Everything Storage puts into a tenant. */
export interface Storage {
  readonly service: Service<BlobTarget>;
  readonly types: readonly ResourceType[];
  readonly armOperations: readonly AnyOperation<ArmTarget>[];
}

export const openStorage = (
  options: Omit<StorageServiceDependencies, "engine" | "accounts"> & {
    readonly resources: Resources;
    readonly clock: Clock;
    readonly ids: Ids;
  },
): Storage => {
  const { store, resources, clock, ids } = options;
  const engine = openEngine({ store, clock, ids });
  const accounts = openAccounts(resources, ({ uid }) => {
    // What a crash left of deleted containers. When it fails, the next start tries again.
    collectGarbage(engine, uid).catch(() => undefined);
  });
  const shared = { resources, engine, store };
  return {
    service: storageService({ ...options, engine, accounts }),
    types: [
      storageAccountType({ clock, ids, resources, accounts, dropData: (uid) => dropAccount(engine, uid) }),
      blobServiceType(shared),
      blobContainerType(shared),
    ],
    armOperations: storageArmOperations(resources),
  };
};
