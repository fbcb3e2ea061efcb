/** Where a connection starts: how a kind of app keeps the settings that it is given. */
import { isDeepStrictEqual } from "node:util";
import { isObject, type JsonObject, objectOf, textOf } from "../../arm/record.ts";
import { linkerFault } from "./faults.ts";
import type { Setting } from "./settings.ts";
import type { Work } from "./work.ts";

/** What is to be written, and what an earlier shape of the connection wrote. */
export interface Wanted {
  readonly settings: readonly Setting[];
  readonly previous: readonly Setting[];
  /** Part of a value that must not be shown; "" when no setting has any. */
  readonly secret: string;
  /** The container that the settings are for, and the one that they were for; "" is the first. */
  readonly scope: string;
  readonly previousScope: string;
}

export interface Source {
  /** Settings that the app has, by name, in a container when it has several. */
  settings(work: Work, id: string, scope: string): Promise<Readonly<Record<string, unknown>>>;
  /** Writes the settings and takes away those of the previous shape in one change of the app; registers the way back. */
  write(work: Work, id: string, wanted: Wanted): Promise<void>;
}

/** The kind of source of an id; undefined for one that no connection can start from. */
export const sourceOf = (id: string): Source | undefined => {
  if (/\/providers\/Microsoft\.Web\/sites\/[^/]+$/i.test(id)) return webApp;
  return /\/providers\/Microsoft\.App\/containerApps\/[^/]+$/i.test(id) ? containerApp : undefined;
};

/** @throws Fault 400 */
export const requireSource = (id: string): Source => {
  const source = sourceOf(id);
  if (source === undefined) throw linkerFault("invalidSource", { id });
  return source;
};

const webApp: Source = {
  settings: async (work, id) =>
    objectOf((await work.send("Reading app settings", "POST", `${id}/config/appsettings/list`))["properties"]),
  write: async (work, id, { settings, previous }) => {
    const before = objectOf(
      (await work.send("Reading app settings", "POST", `${id}/config/appsettings/list`))["properties"],
    );
    const after: Record<string, JsonObject[string]> = { ...before };
    for (const [name] of previous) delete after[name];
    for (const [name, value] of settings) after[name] = value;
    const same =
      Object.keys(after).length === Object.keys(before).length &&
      Object.entries(after).every(([name, value]) => before[name] === value);
    if (same) return;
    const put = (properties: JsonObject): Promise<JsonObject> =>
      work.send("Writing app settings", "PUT", `${id}/config/appsettings`, { properties });
    await put(after);
    work.done(async () => void (await put(before)));
  },
};

const listOf = (value: unknown): readonly JsonObject[] => (Array.isArray(value) ? value.filter(isObject) : []);
const nameIn = (each: JsonObject): string => textOf(each["name"]);

/** A secret is named for its setting: `azure-storageblob-connectionstring`. */
const secretName = (setting: string): string => setting.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");

const containersOf = (app: JsonObject): readonly JsonObject[] =>
  listOf(objectOf(objectOf(app["properties"])["template"])["containers"]);

/** @throws Fault 400 when the app has no such container */
const containerAt = (app: JsonObject, scope: string): JsonObject => {
  const containers = containersOf(app);
  const found = scope === "" ? containers[0] : containers.find((each) => nameIn(each) === scope);
  if (found === undefined)
    throw linkerFault("invalidScope", { scope, containers: containers.map(nameIn).join(", ") || "none" });
  return found;
};

const environmentOf = (container: JsonObject): readonly JsonObject[] => listOf(container["env"]);

/**
 * Environment variables of one container; what must not be shown becomes a secret of the app. The change makes a revision, as
 * in Azure (learn.microsoft.com/azure/service-connector/concept-service-connector-internals).
 */
const containerApp: Source = {
  settings: async (work, id, scope) => {
    const container = containerAt(await work.send("Reading the container app", "GET", id), scope);
    return Object.fromEntries(environmentOf(container).map((each) => [nameIn(each), each["value"] ?? each]));
  },
  write: async (work, id, { settings, previous, secret, scope, previousScope }) => {
    const app = await work.send("Reading the container app", "GET", id);
    const target = nameIn(containerAt(app, scope));
    const left = previousScope === "" ? nameIn(containersOf(app)[0] ?? {}) : previousScope;
    const isSecret = (value: string): boolean => secret !== "" && value.includes(secret);
    const gone = new Set(previous.map(([name]) => name));
    const made = settings.map(([name, value]) =>
      isSecret(value) ? { name, secretRef: secretName(name) } : { name, value },
    );
    const fresh = new Set(settings.map(([name]) => name));
    const containers = containersOf(app);
    const after = containers.map((container) => {
      const name = nameIn(container);
      const kept = environmentOf(container).filter(
        (each) => !(name === left && gone.has(nameIn(each))) && !(name === target && fresh.has(nameIn(each))),
      );
      if (name !== target && name !== left) return container;
      return { ...container, env: name === target ? [...kept, ...made] : kept };
    });
    const before = listOf(objectOf(objectOf(app["properties"])["configuration"])["secrets"]);
    /** Whether a container has the setting with a secret of its name: the connection's, also one that a crash left. */
    const refers = (container: string, setting: string): boolean =>
      containers.some(
        (each) =>
          nameIn(each) === container &&
          environmentOf(each).some((entry) => nameIn(entry) === setting && entry["secretRef"] === secretName(setting)),
      );
    const own = new Map(
      previous.flatMap(([name, value]) => (refers(left, name) ? [[secretName(name), value] as const] : [])),
    );
    const replaced = new Set([
      ...own.keys(),
      ...settings.flatMap(([name]) => (refers(target, name) ? [secretName(name)] : [])),
    ]);
    const values = settings
      .filter(([, value]) => isSecret(value))
      .map(([name, value]) => ({ name: secretName(name), value }));
    for (const [at, { name }] of values.entries())
      if (
        values.findIndex((each) => each.name === name) !== at ||
        before.some((each) => nameIn(each) === name && !replaced.has(name))
      )
        throw linkerFault("secretTaken", { name });
    const secrets = [...before.filter((each) => !replaced.has(nameIn(each))), ...values];
    if (own.size === 0 && values.length === 0 && isDeepStrictEqual(after, containers)) return;
    const patch = (environment: readonly JsonObject[], listed: readonly JsonObject[]): Promise<JsonObject> =>
      work.send("Writing the container's environment", "PATCH", id, {
        properties: { configuration: { secrets: listed }, template: { containers: environment } },
      });
    await patch(after, secrets);
    // A secret keeps its value when none is sent; one that went needs it again.
    const restored = before.map((each) => {
      const value = own.get(nameIn(each));
      return value === undefined ? each : { ...each, value };
    });
    work.done(async () => void (await patch(containers, restored)));
  },
};
