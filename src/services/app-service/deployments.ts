/** Deployments of sites as Kudu keeps them: one at a time per site, with a log, durable from the moment of acceptance. */
import type { Readable } from "node:stream";
import { idKey } from "../../arm/resource-id.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Ids } from "../../kernel/ids.ts";
import type { CollectionSpec, Store } from "../../store/store.ts";
import { kuduFault } from "./faults.ts";
import type { DeploymentLine, SiteRunner, Upload } from "./runner.ts";
import type { Site } from "./site.ts";
import type { SiteSync } from "./sync.ts";

/** Kudu's DeployStatus. */
export const status = { pending: 0, building: 1, deploying: 2, failed: 3, success: 4 } as const;
export type Status = (typeof status)[keyof typeof status];

export interface LogEntry {
  readonly id: string;
  /** Milliseconds, tenant clock. */
  readonly time: number;
  readonly message: string;
  /** 0 message, 1 warning, 2 error. */
  readonly type: 0 | 1 | 2;
  readonly details: readonly Omit<LogEntry, "details">[];
}

export interface Deployment {
  readonly id: string;
  readonly site: string;
  readonly status: Status;
  readonly statusText: string;
  readonly author: string;
  readonly authorEmail: string;
  readonly deployer: string;
  readonly message: string;
  readonly received: number;
  readonly ended?: number;
  /** The archive itself was refused: the sender's mistake, not the build's. */
  readonly unacceptable?: boolean;
  /** The site's content is this one's. */
  readonly active: boolean;
  readonly log: readonly LogEntry[];
}

export interface DeploymentWish {
  readonly author: string;
  readonly authorEmail: string;
  readonly deployer: string;
  readonly message: string;
  readonly restart: boolean;
}

const spec: CollectionSpec<Deployment> = {
  name: "site-deployments",
  indexes: { ended: (value) => (value.ended === undefined ? "no" : undefined) },
};
const partition = "site-deployments";
/** Older ones are forgotten. */
const kept = 20;

const prefixOf = (siteId: string): string => `${idKey(siteId)}|`;
/** Keys sort by time of receipt. */
const keyOf = (each: Deployment): string =>
  `${prefixOf(each.site)}${String(each.received).padStart(15, "0")}|${each.id}`;

/** Was anything ever deployed to this site? */
export const hasDeployments = async (store: Store, siteId: string): Promise<boolean> =>
  (await store.collection(spec).list(partition, { prefix: prefixOf(siteId), limit: 1 })).length > 0;

export interface Deployments {
  /**
   * Takes the lock of a site, receives the archive and deploys it in the background. Resolves when the archive is
   * received and the deployment recorded; `done` when it has ended. @throws 409 while another one runs
   */
  begin(
    site: Site,
    body: Readable,
    wish: DeploymentWish,
  ): Promise<{ deployment: Deployment; done: Promise<Deployment> }>;
  /** The one under way. */
  running(siteId: string): Deployment | undefined;
  /** Newest first, the running one included. */
  list(siteId: string): Promise<readonly Deployment[]>;
  remove(deployment: Deployment): Promise<void>;
  /** Ends a running deployment and waits for its end. */
  abort(siteId: string): Promise<void>;
  forget(siteId: string): Promise<void>;
  /** Deployments that an earlier process did not finish have failed. */
  recover(): Promise<void>;
}

/** The host's `DeploymentFailed` says what failed. */
const isArchiveFault = (error: unknown): boolean =>
  error instanceof Error && "kind" in error && error.kind === "archive";

interface Running {
  current: Deployment;
  readonly stop: AbortController;
  readonly done: Promise<unknown>;
}

export const openDeployments = (options: {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly runner: SiteRunner;
  readonly sync: SiteSync;
}): Deployments => {
  const { store, clock, ids, runner, sync } = options;
  const collection = store.collection(spec);
  const locks = new Map<string, Running | undefined>();
  const put = (each: Deployment) => collection.put(partition, keyOf(each), each);

  const stored = async (siteId: string): Promise<Deployment[]> =>
    (await collection.list(partition, { prefix: prefixOf(siteId), limit: 10_000 })).map(({ value }) => value);

  const entry = (message: string, type: LogEntry["type"] = 0): LogEntry => ({
    id: ids.guid(),
    time: clock.now(),
    message,
    type,
    details: [],
  });

  /** Lines of tools become details of the step that they belong to (app-service.md 3.3). */
  const logged = (log: readonly LogEntry[], line: DeploymentLine): readonly LogEntry[] => {
    const type = line.level === "error" ? 2 : line.level === "warning" ? 1 : 0;
    const last = log.at(-1);
    const own = entry(line.text, type);
    const step = /^(Running oryx build|Triggering|Deployment |Extracted )/.test(line.text);
    if (last === undefined || (line.from === "platform" && (step || !/oryx build/.test(last.message))))
      return [...log, own];
    return [...log.slice(0, -1), { ...last, details: [...last.details, own] }];
  };

  /** One entry is active; history is short. */
  const settle = async (ended: Deployment): Promise<void> => {
    const others = (await stored(ended.site)).filter(({ id }) => id !== ended.id);
    await put(ended);
    if (ended.active) for (const each of others) if (each.active) await put({ ...each, active: false });
    for (const each of others.slice(0, Math.max(0, others.length + 1 - kept)))
      if (!each.active) await collection.delete(partition, keyOf(each));
  };

  const carryOut = async (running: Running, site: Site, upload: Upload, wish: DeploymentWish): Promise<Deployment> => {
    const update = (change: Partial<Deployment>) => {
      running.current = { ...running.current, ...change };
    };
    const { id } = running.current;
    const step = (message: string) => update({ log: [...running.current.log, entry(message)] });
    try {
      await using _upload = upload;
      update({ status: status.building, statusText: `Building and Deploying '${id}'.` });
      step("Updating submodules.");
      step(`Preparing deployment for commit id '${id.slice(0, 10)}'.`);
      await sync.during(site.id, () =>
        runner.deploy(site.id, upload, (line) => update({ log: logged(running.current.log, line) }), {
          restart: wish.restart && site.running,
          signal: running.stop.signal,
        }),
      );
      step("Deployment successful.");
      update({ status: status.success, statusText: "", active: true, ended: clock.now() });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const log = [...running.current.log, entry(`Deployment Failed. ${reason}`, 2)];
      update({
        status: status.failed,
        statusText: reason,
        log,
        ended: clock.now(),
        unacceptable: isArchiveFault(error),
      });
    }
    await settle(running.current);
    return running.current;
  };

  const begin: Deployments["begin"] = async (site, body, wish) => {
    const key = idKey(site.id);
    if (locks.has(key)) throw kuduFault("locked");
    locks.set(key, undefined);
    let upload: Upload | undefined;
    try {
      upload = await runner.receive(body);
      const { author, authorEmail, deployer, message } = wish;
      const first: Deployment = {
        id: ids.guid(),
        site: site.id,
        status: status.pending,
        statusText: "Receiving changes.",
        author,
        authorEmail,
        deployer,
        message,
        received: clock.now(),
        active: false,
        log: [
          entry("Fetching changes."),
          entry("Cleaning up temp folders from previous zip deployments and extracting pushed zip file"),
        ],
      };
      await put(first);
      const started = Promise.withResolvers<Deployment>();
      const running: Running = { current: first, stop: new AbortController(), done: started.promise };
      locks.set(key, running);
      const done = carryOut(running, site, upload, wish).finally(() => locks.delete(key));
      done.then(started.resolve, started.reject);
      started.promise.catch(() => undefined);
      return { deployment: first, done };
    } catch (error) {
      locks.delete(key);
      await upload?.[Symbol.asyncDispose]();
      throw error;
    }
  };

  const running = (siteId: string): Deployment | undefined => locks.get(idKey(siteId))?.current;

  return {
    begin,
    running,
    list: async (siteId) => {
      const current = running(siteId);
      const others = (await stored(siteId)).filter(({ id }) => id !== current?.id);
      return [...(current === undefined ? [] : [current]), ...others.toReversed()];
    },
    remove: async (deployment) => {
      await collection.delete(partition, keyOf(deployment));
    },
    abort: async (siteId) => {
      const found = locks.get(idKey(siteId));
      found?.stop.abort();
      await found?.done.catch(() => undefined);
    },
    forget: async (siteId) => {
      for (const each of await stored(siteId)) await collection.delete(partition, keyOf(each));
    },
    recover: async () => {
      for (const { value } of await collection.find(partition, "ended", "no"))
        await put({
          ...value,
          status: status.failed,
          statusText: "The tenant was stopped while the deployment ran.",
          ended: clock.now(),
          log: [...value.log, entry("The tenant was stopped while the deployment ran.", 2)],
        });
    },
  };
};
