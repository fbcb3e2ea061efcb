/** Revisions of an app: a new one for each new template, none for a new configuration, secret or identity. */
import { json, type Reply } from "../../kernel/message.ts";
import { type Json, type JsonObject, objectOf, type ResourceRecord, textOf } from "../../arm/record.ts";
import type { Resources } from "../../arm/resources.ts";
import type { ArmTarget, ResourceType } from "../../arm/resource-type.ts";
import { type AnyOperation, operationsOf } from "../../kernel/operation.ts";
import type { Ids } from "../../kernel/ids.ts";
import { nameOf } from "../../arm/resource-id.ts";
import { appApiVersions, appOf, appType, type ContainerApp, domainOf, isSingleMode, type Revision } from "./app.ts";
import { containerAppFault } from "./faults.ts";
import type { AppsContext } from "./context.ts";
import { readVaultSecrets } from "./secrets.ts";
import { replicaView, revisionView } from "./view.ts";

const digits = "0123456789abcdefghijklmnopqrstuvwxyz";

/** Seven letters and digits, as Azure makes them up. */
const newSuffix = (ids: Ids): string => Array.from(ids.bytes(7), (byte) => digits[byte % digits.length]).join("");

const sorted = (value: Json | undefined): unknown =>
  Array.isArray(value)
    ? value.map(sorted)
    : typeof value === "object" && value !== null
      ? Object.fromEntries(
          Object.entries(value)
            .filter(([, each]) => each !== undefined && each !== null)
            .map(([name, each]) => [name, sorted(each)] as const)
            .toSorted(([one], [other]) => (one < other ? -1 : 1)),
        )
      : value;

const sameTemplate = (one: JsonObject, other: JsonObject): boolean => {
  const text = (template: JsonObject): string => JSON.stringify(sorted({ ...template, revisionSuffix: null }));
  return text(one) === text(other);
};

/** The revisions after a change to `template`; the last is the latest. @throws 400 for a suffix that was used before */
export const nextRevisions = (
  app: { readonly name: string; readonly single: boolean; readonly before: readonly Revision[]; readonly keep: number },
  template: JsonObject,
  now: string,
  ids: Ids,
): readonly Revision[] => {
  const latest = app.before.at(-1);
  const suffix = textOf(template["revisionSuffix"]);
  const asked = suffix === "" ? undefined : `${app.name.toLowerCase()}--${suffix}`;
  if (latest !== undefined && (asked ?? latest.name) === latest.name && sameTemplate(latest.template, template))
    return app.before.map((each) => ({ ...each, active: each.active && (!app.single || each === latest) }));
  if (app.before.some(({ name }) => name === asked))
    throw containerAppFault("invalidField", {
      field: "template.revisionsuffix",
      value: suffix,
      why: `Revision with suffix ${suffix} already exists.`,
    });
  const revision: Revision = {
    name: asked ?? `${app.name.toLowerCase()}--${newSuffix(ids)}`,
    created: now,
    active: true,
    template,
  };
  const earlier = app.before.map((each) => ({ ...each, active: each.active && !app.single }));
  const inactive = earlier.filter(({ active }) => !active);
  const forgotten = new Set(inactive.slice(0, Math.max(0, inactive.length - app.keep)));
  return [...earlier.filter((each) => !forgotten.has(each)), revision];
};

const appPath = "/subscriptions/:subscription/resourcegroups/:group/providers/microsoft.app/containerapps/:app";
const revisionPath = `${appPath}/revisions/:revision` as const;
type Verb = "activate" | "deactivate" | "restart";
const operation = operationsOf<ArmTarget, `Microsoft.App/containerApps/revisions/${Verb}/action`, never>();

const revisionIn = (app: ContainerApp, name: string): Revision => {
  const found = app.revisions.find((each) => each.name.toLowerCase() === name.toLowerCase());
  if (found === undefined) throw containerAppFault("revisionNotFound", { name, app: app.name });
  return found;
};

/** The app that a path at or below it addresses. @throws 404 */
const requireApp = async (id: string, resources: Resources): Promise<ContainerApp> => {
  const appId = /^.*?\/providers\/Microsoft\.App\/containerApps\/[^/]+/i.exec(id)?.[0] ?? id;
  const record = await resources.get(appId);
  if (record?.type !== appType) throw containerAppFault("appNotFound", { name: nameOf(appId) });
  return appOf(record);
};

const setActive = async (
  app: ContainerApp,
  revision: Revision,
  active: boolean,
  context: AppsContext,
): Promise<Reply> => {
  const latest = app.revisions.at(-1);
  if (isSingleMode(app) && (active ? revision !== latest : revision === latest))
    throw containerAppFault(active ? "singleMode" : "latestRevision", { name: revision.name });
  await context.resources.update(app.id, (kept) => withActive(kept, revision.name, active));
  context.sync.soon(app.id);
  return done(active ? "Activate" : "Deactivate");
};

/** `az` reads the answer as JSON and prints it. */
const done = (what: "Activate" | "Deactivate" | "Restart"): Reply => json(`${what} succeeded`);

const withActive = (record: ResourceRecord, name: string, active: boolean): ResourceRecord => ({
  ...record,
  properties: {
    ...record.properties,
    revisions: appOf(record).revisions.map((each) => ({ ...each, ...(each.name === name ? { active } : {}) })),
  },
});

/** POST `.../revisions/{name}/activate|deactivate|restart`. */
export const revisionOperations = (context: AppsContext): readonly AnyOperation<ArmTarget>[] => {
  const revisionAction = (verb: Verb, act: (app: ContainerApp, revision: Revision) => Promise<Reply>) =>
    operation({
      name: `ContainerAppsRevisions_${verb}`,
      method: "POST",
      path: `${revisionPath}/${verb}` as `${typeof revisionPath}/activate`,
      bodyLimit: 64 * 1024,
      needs: { action: `Microsoft.App/containerApps/revisions/${verb}/action` },
      handle: async (call) => {
        const app = await requireApp(call.target.id, context.resources);
        const revision = revisionIn(app, call.parameters.revision);
        if (verb === "restart") await readVaultSecrets(app.record, call, context.resources, "all");
        return act(app, revision);
      },
    });
  return [
    revisionAction("activate", (app, revision) => setActive(app, revision, true, context)),
    revisionAction("deactivate", (app, revision) => setActive(app, revision, false, context)),
    revisionAction("restart", async (app) => {
      await context.sync.restart(app.id);
      return done("Restart");
    }),
  ];
};

export const revisionResource = ({ resources, runner }: AppsContext): ResourceType => ({
  type: `${appType}/revisions`,
  apiVersions: appApiVersions,
  at: "group",
  tracked: false,
  source: {
    get: async (_call, id, name) => {
      const app = await requireApp(id, resources);
      const domain = await domainOf(app, resources);
      return json(revisionView(app, revisionIn(app, name), domain, runner.state(app.id)));
    },
    list: async (_call, id) => {
      const app = await requireApp(id, resources);
      const domain = await domainOf(app, resources);
      const state = runner.state(app.id);
      return json({ value: app.revisions.map((each) => revisionView(app, each, domain, state)) });
    },
  },
});

/** One replica runs at most; scaling is not emulated. */
export const replicaResource = ({ resources, runner }: AppsContext): ResourceType => {
  const replicasOf = async (id: string): Promise<readonly JsonObject[]> => {
    const app = await requireApp(id, resources);
    const revision = revisionIn(app, /\/revisions\/([^/]+)/i.exec(id)?.[1] ?? "");
    const state = runner.state(app.id);
    if (state.revision !== revision.name || state.phase === "stopped") return [];
    return [replicaView(app, revision, await domainOf(app, resources), state)];
  };
  return {
    type: `${appType}/revisions/replicas`,
    apiVersions: appApiVersions,
    at: "group",
    tracked: false,
    source: {
      list: async (_call, id) => json({ value: await replicasOf(id) }),
      get: async (_call, id, name) => {
        const found = (await replicasOf(id)).find((each) => objectOf(each)["name"] === name);
        if (found === undefined) throw containerAppFault("replicaNotFound", { name });
        return json(found);
      },
    },
  };
};
