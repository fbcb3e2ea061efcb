/** A container app as this service reads it from its resource record. Secret values are the record's sealed part. */
import { isObject, type JsonObject, objectOf, type ResourceRecord, textOf } from "../../arm/record.ts";
import type { Resources } from "../../arm/resources.ts";

export const appType = "Microsoft.App/containerApps";
export const environmentType = "Microsoft.App/managedEnvironments";
export const appApiVersions = ["2025-01-01", "2024-03-01", "2023-05-01", "2022-10-01", "2022-03-01"];

export interface Revision {
  readonly name: string;
  /** ISO time, tenant clock. */
  readonly created: string;
  readonly active: boolean;
  readonly template: JsonObject;
}

export interface AppSecret {
  /** Absent: not read from the vault yet. */
  readonly value?: string;
  readonly keyVaultUrl?: string;
  /** `system`, or the id of a user-assigned identity. */
  readonly identity?: string;
}

export interface ContainerApp {
  readonly id: string;
  readonly name: string;
  readonly record: ResourceRecord;
  readonly environmentId: string;
  readonly configuration: JsonObject;
  readonly template: JsonObject;
  /** Oldest first; the last one is the latest. */
  readonly revisions: readonly Revision[];
  readonly secrets: Readonly<Record<string, AppSecret>>;
  readonly stopped: boolean;
}

export const listOf = (value: unknown): readonly JsonObject[] => (Array.isArray(value) ? value.filter(isObject) : []);

export const appOf = (record: ResourceRecord): ContainerApp => {
  const { properties, secrets } = record;
  return {
    id: record.id,
    name: record.name,
    record,
    environmentId: textOf(properties["environmentId"]),
    configuration: objectOf(properties["configuration"]),
    template: objectOf(properties["template"]),
    revisions: listOf(properties["revisions"]).map((each) => ({
      name: textOf(each["name"]),
      created: textOf(each["created"]),
      active: each["active"] === true,
      template: objectOf(each["template"]),
    })),
    secrets: Object.fromEntries(
      Object.entries(objectOf(objectOf(secrets)["values"])).map(([name, each]) => [name, objectOf(each) as AppSecret]),
    ),
    stopped: properties["stopped"] === true,
  };
};

export const isSingleMode = (app: Pick<ContainerApp, "configuration">): boolean =>
  textOf(app.configuration["activeRevisionsMode"]).toLowerCase() !== "multiple";

/** Share of the traffic that a revision gets, in percent. */
export const weightOf = (app: ContainerApp, revision: Revision): number => {
  const latest = app.revisions.at(-1)?.name;
  if (!revision.active) return 0;
  if (isSingleMode(app)) return revision.name === latest ? 100 : 0;
  const shares = listOf(objectOf(app.configuration["ingress"])["traffic"]).filter((share) =>
    share["latestRevision"] === true ? revision.name === latest : textOf(share["revisionName"]) === revision.name,
  );
  return shares.reduce((sum, share) => sum + Number(share["weight"] ?? 0), 0);
};

/** The revision that runs here: the active one with the most traffic, the newest of equals. */
export const servingRevision = (app: ContainerApp): Revision | undefined =>
  app.revisions
    .filter(({ active }) => active)
    .toReversed()
    .toSorted((one, other) => weightOf(app, other) - weightOf(app, one))[0];

export interface Ingress {
  readonly external: boolean;
  readonly targetPort: number;
  readonly allowInsecure: boolean;
}

export const ingressOf = (app: ContainerApp): Ingress | undefined => {
  const { ingress } = app.configuration;
  if (!isObject(ingress)) return undefined;
  return {
    external: ingress["external"] === true,
    // Azure finds the port by itself when none is named; 80 is what it tries first.
    targetPort: Number(ingress["targetPort"] ?? 0) || 80,
    allowInsecure: ingress["allowInsecure"] === true,
  };
};

/** `{app}.{unique}.{region}.azurecontainerapps.io`; apps for their environment alone have `internal` in between. */
export const hostNameOf = (name: string, domain: string, external: boolean): string =>
  `${name.toLowerCase()}.${external ? "" : "internal."}${domain}`;

/** The domain of an app's environment; "" when that is gone. */
export const domainOf = async (app: Pick<ContainerApp, "environmentId">, resources: Resources): Promise<string> =>
  textOf((await resources.get(app.environmentId))?.properties["defaultDomain"]);
