/** docs/reference/coverage.md: every operation that the tenant answers, with the right it demands. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ArmService } from "../src/arm/service.ts";
import type { ResourceType } from "../src/arm/resource-type.ts";
import type { AnyOperation } from "../src/kernel/operation.ts";
import type { HostRule, Service } from "../src/kernel/service.ts";
import { openTenant } from "../src/tenant.ts";
import { byText, cell, code, generatedNote, page, table } from "./docs-markdown.ts";

type Needs = AnyOperation<unknown>["needs"];

export const coveragePage = async (): Promise<string> => {
  const services = await readServices();
  const arm = services.find(isArm);
  const others = services.filter((service) => !isArm(service)).toSorted((one, other) => byText(one.title, other.title));
  return page(
    "# Coverage",
    generatedNote,
    "What the tenant answers, and the right that each operation demands. What is not listed is not built: it answers 501, or the surface's own 404 or 400 where clients would retry that, and never a made-up success. What differs from Azure stands in the README of each folder in `src/services`. PostgreSQL itself is a real server behind a door that checks tokens: `src/postgres`.",
    "Rights: an action or data action as role definitions spell it, checked at the resource that the request is about; *open* where no right is needed, and why; *filtered* where a list shows only what the caller may read.",
    ...(arm === undefined ? [] : armSections(arm)),
    ...others.flatMap(serviceSection),
  );
};

/** The services as a tenant puts them together, from one that lives in memory for a moment. */
const readServices = async (): Promise<readonly Service[]> => {
  const folder = await mkdtemp(join(tmpdir(), "lanyard-docs-"));
  try {
    await using tenant = await openTenant({
      stateDirectory: join(folder, "state"),
      runtimeDirectory: join(folder, "run"),
      decisions: { record: () => {} },
      onError: (error) => {
        throw error;
      },
      port: 0,
      store: "memory",
    });
    return tenant.kernel.services;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

const isArm = (service: Service): service is Service & ArmService => "types" in service;

const armSections = (arm: Service & ArmService): readonly string[] => {
  const namespaces = [...new Set(arm.types.map(({ type }) => type.split("/")[0] ?? ""))].toSorted(byText);
  const named = arm.operations.filter(({ path }) => path !== "**");
  return [
    `## ${arm.title}`,
    `Host: ${arm.hosts.map(hostText).join(", ")}. A resource type's rights follow from its name: \`<type>/read\`, \`<type>/write\` for PUT and PATCH, \`<type>/delete\`, \`<type>/<action>/action\`. Every api-version that Azure could have is taken; the newest known is listed.`,
    ...namespaces.flatMap((namespace) => [
      `### ${namespace}`,
      table(
        ["resource type", "operations", "actions (POST)", "newest api-version"],
        arm.types
          .filter(({ type }) => type.startsWith(`${namespace}/`))
          .toSorted((one, other) => byText(one.type, other.type))
          .map(typeRow),
      ),
    ]),
    "### Operations beside the resource types",
    operationTable(named),
  ];
};

const typeRow = (type: ResourceType): readonly string[] => {
  const { source } = type;
  const verbs = (["get", "list", "put", "patch", "delete"] as const).filter(
    (verb) => source === undefined || source[verb] !== undefined,
  );
  return [
    code(type.type),
    verbs.map((verb) => (verb === "list" ? "list" : verb.toUpperCase())).join(", "),
    (type.actions ?? []).map(({ name }) => code(name)).join(", "),
    type.apiVersions[0] ?? "",
  ];
};

const serviceSection = (service: Service): readonly string[] => [
  `## ${service.title}`,
  `Host: ${service.hosts.map(hostText).join(", ")}.`,
  operationTable(service.operations),
];

const hostText = (rule: HostRule): string => code("exact" in rule ? rule.exact : `{name}${rule.suffix}`);

const operationTable = (operations: readonly AnyOperation<never>[]): string =>
  table(
    ["operation", "request", "right"],
    operations
      .map((operation) => [code(operation.name), code(requestText(operation)), cell(rightText(operation.needs))])
      .toSorted((one, other) => byText(one.join(" "), other.join(" "))),
  );

const requestText = ({ method, path, query = {}, headers = {} }: AnyOperation<never>): string => {
  const methods = typeof method === "string" ? method : method.join("/");
  const pairs = Object.entries(query).map(([name, value]) => (value === true ? name : `${name}=${value}`));
  const named = Object.entries(headers).map(([name, value]) => (value === true ? `, ${name}` : `, ${name}: ${value}`));
  const place = path.replaceAll(/(\*\*:|:)(\w+)/g, (_all, mark: string, name: string) =>
    mark === ":" ? `{${name}}` : `{${name}…}`,
  );
  return `${methods} ${place}${pairs.length === 0 ? "" : `?${pairs.join("&")}`}${named.join("")}`;
};

const rightText = (needs: Needs | AnyOperation<never>["needs"]): string => {
  if ("open" in needs) return `*open*: ${needs.open}`;
  if ("action" in needs) return `\`${needs.action}\``;
  if ("data" in needs) return `\`${needs.data}\` (data)`;
  if ("filtered" in needs) return `*filtered* by \`${needs.filtered}\``;
  if ("all" in needs) return needs.all.map(rightText).join(" and ");
  if ("any" in needs) return needs.any.map(rightText).join(" or ");
  if (needs.says === undefined) return "depends on the request";
  return typeof needs.says === "string" ? needs.says : rightText(needs.says);
};
