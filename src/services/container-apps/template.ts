/** Reads and completes what a container app is asked to be: `properties.template` and `properties.configuration`. */
import { isObject, type Json, type JsonObject, objectOf, textOf } from "../../arm/record.ts";
import { notBuilt } from "../../kernel/fault.ts";
import { listOf } from "./app.ts";
import { containerAppFault } from "./faults.ts";

const invalid = (field: string, value: unknown, why: string): Error =>
  containerAppFault("invalidField", {
    field,
    value: value === undefined ? "" : JSON.stringify(value).slice(0, 200),
    why,
  });

const numberIn = (value: Json | undefined, field: string, least: number, most: number): number | undefined => {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "number" || !Number.isInteger(value) || value < least || value > most)
    throw invalid(field, value, `must be a whole number from ${least} to ${most}`);
  return value;
};

/** The pairs that the Consumption profile has: 0.25 to 4 cores, twice as many Gi. */
const allowedTotals = Array.from({ length: 16 }, (_, index) => (index + 1) / 4);

/** `0.5Gi` or `512Mi` in bytes. */
export const bytesOf = (memory: string): number => {
  const read = /^(\d+(?:\.\d+)?)(Gi|Mi|Ki)?$/.exec(memory);
  if (read === null) throw invalid("template.containers.resources.memory", memory, "must be a size such as 0.5Gi");
  const unit = { Gi: 1024 ** 3, Mi: 1024 ** 2, Ki: 1024 }[read[2] ?? ""] ?? 1;
  return Math.round(Number(read[1]) * unit);
};

const completeContainer = (given: JsonObject): JsonObject => {
  // `az` sends `env: null` and cannot read it back (azure-cli 2.91).
  const container = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null));
  const name = textOf(container["name"]);
  if (!/^[a-z0-9](?:[a-z0-9-]{0,44}[a-z0-9])?$/.test(name))
    throw invalid("template.containers.name", name, "use lower-case letters, digits and hyphens");
  const image = textOf(container["image"]);
  if (!/^[A-Za-z0-9][\w./:@-]{0,254}$/.test(image))
    throw invalid(`template.containers.${name}.image`, image, "must name an image");
  for (const variable of listOf(container["env"]))
    if (textOf(variable["name"]) === "" || /[=\0]/.test(textOf(variable["name"])))
      throw invalid(`template.containers.${name}.env`, variable["name"], "a variable needs a name");
  if (listOf(container["volumeMounts"]).length > 0) throw notBuilt("Volumes of container apps");
  const resources = objectOf(container["resources"]);
  const cpu = Number(resources["cpu"] ?? 0.5);
  if (!(cpu > 0 && cpu <= 64))
    throw invalid(`template.containers.${name}.resources.cpu`, resources["cpu"], "is out of range");
  const memory = textOf(resources["memory"]) || `${cpu * 2}Gi`;
  bytesOf(memory);
  return { ...container, resources: { ...resources, cpu, memory } };
};

const checkTotals = (containers: readonly JsonObject[]): void => {
  let cpu = 0;
  let memory = 0;
  for (const { resources } of containers) {
    cpu += Number(objectOf(resources)["cpu"]);
    memory += bytesOf(textOf(objectOf(resources)["memory"]));
  }
  const gi = memory / 1024 ** 3;
  if (allowedTotals.includes(cpu) && gi === cpu * 2) return;
  throw containerAppFault("invalidResources", {
    cpu,
    memory: gi,
    allowed: allowedTotals.map((each) => `[cpu: ${each}, memory: ${each * 2}Gi]`).join("; "),
  });
};

const completeScale = (scale: JsonObject): JsonObject => {
  const least = numberIn(scale["minReplicas"], "template.scale.minReplicas", 0, 1000);
  const most = numberIn(scale["maxReplicas"], "template.scale.maxReplicas", 1, 1000) ?? 10;
  if ((least ?? 0) > most)
    throw invalid("template.scale.minReplicas", least, `must not be greater than maxReplicas (${most})`);
  return { ...scale, minReplicas: least ?? null, maxReplicas: most };
};

/** @param dedicated the app names a workload profile, whose sizes are free */
export const completeTemplate = (asked: JsonObject, dedicated: boolean): JsonObject => {
  const given = listOf(asked["containers"]);
  if (given.length === 0)
    throw invalid("template.containers", asked["containers"], "an app needs at least one container");
  if (listOf(asked["initContainers"]).length > 0) throw notBuilt("Init containers of container apps");
  if (listOf(asked["volumes"]).length > 0) throw notBuilt("Volumes of container apps");
  const containers = given.map(completeContainer);
  const names = containers.map(({ name }) => name);
  if (new Set(names).size < names.length) throw invalid("template.containers.name", names, "names must differ");
  if (!dedicated) checkTotals(containers);
  const suffix = textOf(asked["revisionSuffix"]);
  if (suffix !== "" && !/^[a-z0-9](?:[a-z0-9-]{0,48}[a-z0-9])?$/.test(suffix))
    throw invalid("template.revisionSuffix", suffix, "use lower-case letters, digits and hyphens");
  return { ...asked, revisionSuffix: suffix, containers, scale: completeScale(objectOf(asked["scale"])) };
};

const completeTraffic = (asked: Json | undefined, known: ReadonlySet<string>): readonly JsonObject[] => {
  const traffic = listOf(asked);
  if (traffic.length === 0) return [{ latestRevision: true, weight: 100 }];
  let sum = 0;
  for (const { weight, latestRevision, revisionName } of traffic) {
    sum += numberIn(weight, "configuration.ingress.traffic.weight", 0, 100) ?? 0;
    if (latestRevision !== true && !known.has(textOf(revisionName)))
      throw invalid("configuration.ingress.traffic.revisionName", revisionName, "there is no such revision");
  }
  if (sum !== 100) throw invalid("configuration.ingress.traffic", sum, "the weights must add up to 100");
  return traffic;
};

const completeIngress = (asked: JsonObject, known: ReadonlySet<string>): JsonObject => {
  numberIn(asked["targetPort"], "configuration.ingress.targetPort", 1, 65_535);
  const transport = textOf(asked["transport"]) || "Auto";
  if (transport.toLowerCase() === "tcp") throw notBuilt("TCP ingress of container apps");
  const { fqdn: _computed, corsPolicy, ...rest } = asked;
  return {
    external: false,
    allowInsecure: false,
    ...rest,
    transport,
    traffic: completeTraffic(asked["traffic"], known),
    // A policy without the list crashes the newest clients (management-sdks.md 6).
    ...(isObject(corsPolicy) ? { corsPolicy: { allowedOrigins: [], ...corsPolicy } } : {}),
  };
};

/** @param known names of the app's revisions */
export const completeConfiguration = (asked: JsonObject, known: ReadonlySet<string>): JsonObject => {
  const { secrets: _apart, ingress, ...rest } = asked;
  const mode = textOf(asked["activeRevisionsMode"]) || "Single";
  if (!/^(single|multiple)$/i.test(mode))
    throw invalid("configuration.activeRevisionsMode", mode, "use Single or Multiple");
  return {
    maxInactiveRevisions: 100,
    ...rest,
    activeRevisionsMode: /^multiple$/i.test(mode) ? "Multiple" : "Single",
    ...(isObject(ingress) ? { ingress: completeIngress(ingress, known) } : {}),
  };
};
