import type { Scope, Store } from "../store/store.ts";
import {
  type Application,
  applicationSpec,
  directoryPartition as partition,
  type Principal,
  principalSpec,
  type ServicePrincipal,
} from "./principals.ts";

/** Principals and app registrations of the tenant. */
export interface Directory {
  principal(objectId: string): Promise<Principal | undefined>;
  servicePrincipal(appId: string): Promise<ServicePrincipal | undefined>;
  /** The managed identity of a resource, by its id (any letter case). */
  identityOf(resourceId: string): Promise<ServicePrincipal | undefined>;
  /** Exact name, any letter case: a user's UPN, or a display name. */
  named(name: string): Promise<readonly Principal[]>;
  list(): Promise<readonly Principal[]>;
  put(principal: Principal): Promise<void>;
  remove(objectId: string): Promise<boolean>;
  /** Object ids of all groups a principal is in, transitively. */
  readonly groupsOf: (objectId: string) => Promise<readonly string[]>;
  application(appId: string): Promise<Application | undefined>;
  applications(): Promise<readonly Application[]>;
  putApplication(application: Application): Promise<void>;
  removeApplication(appId: string): Promise<boolean>;
  /** By its object id. */
  applicationObject(objectId: string): Promise<Application | undefined>;
  /** All of `work`'s reads and writes, or none. `work` may run again: no effects beyond the directory it is handed. */
  transact<R>(work: (directory: Directory) => Promise<R>): Promise<R>;
}

export const openDirectory = (store: Store): Directory =>
  over(store, (work) => store.transact([partition], (tx) => work(inside(tx))));

const inside = (tx: Scope): Directory => {
  const directory: Directory = over(tx, (work) => work(directory));
  return directory;
};

const over = (scope: Scope, transact: Directory["transact"]): Directory => {
  const principals = scope.collection(principalSpec);
  const applications = scope.collection(applicationSpec);
  const groupsOf = async (objectId: string): Promise<readonly string[]> => {
    const found = new Set<string>();
    const open = [objectId];
    for (let member = open.pop(); member !== undefined; member = open.pop())
      for (const group of await principals.find(partition, "member", member))
        if (!found.has(group.key)) {
          found.add(group.key);
          open.push(group.key);
        }
    return [...found].toSorted();
  };
  return {
    principal: async (objectId) => (await principals.get(partition, objectId.toLowerCase()))?.value,
    servicePrincipal: async (appId) => {
      const [entry] = await principals.find(partition, "appId", appId.toLowerCase(), { limit: 1 });
      return entry?.value as ServicePrincipal | undefined;
    },
    identityOf: async (resourceId) => {
      const [entry] = await principals.find(partition, "resourceId", resourceId.toLowerCase(), { limit: 1 });
      return entry?.value as ServicePrincipal | undefined;
    },
    named: async (name) => (await principals.find(partition, "name", name.toLowerCase())).map((entry) => entry.value),
    list: async () => (await principals.list(partition, { limit: 100_000 })).map((entry) => entry.value),
    put: async (principal) => {
      await principals.put(partition, principal.objectId, principal);
    },
    remove: (objectId) => principals.delete(partition, objectId.toLowerCase()),
    groupsOf,
    application: async (appId) => (await applications.get(partition, appId.toLowerCase()))?.value,
    applications: async () => (await applications.list(partition, { limit: 100_000 })).map((entry) => entry.value),
    putApplication: async (application) => {
      await applications.put(partition, application.appId, application);
    },
    removeApplication: (appId) => applications.delete(partition, appId.toLowerCase()),
    applicationObject: async (objectId) => {
      const [entry] = await applications.find(partition, "objectId", objectId.toLowerCase(), { limit: 1 });
      return entry?.value;
    },
    transact,
  };
};
