/** `Microsoft.App/containerApps`. Source: management-sdks.md 5.9, az-cli.md 4.14. */
import { merge, objectOf, type ResourceRecord, textOf } from "../../arm/record.ts";
import { idKey } from "../../arm/resource-id.ts";
import { present } from "../../arm/present.ts";
import type { ArmCall, Change, Draft, ResourceType } from "../../arm/resource-type.ts";
import { json, type Reply } from "../../kernel/message.ts";
import { appApiVersions, appOf, appType, type ContainerApp, domainOf, environmentType } from "./app.ts";
import type { AppsContext } from "./context.ts";
import { containerAppFault } from "./faults.ts";
import { nextRevisions } from "./revisions.ts";
import { changedSecrets, checkReferences, listedSecrets, readVaultSecrets } from "./secrets.ts";
import { completeConfiguration, completeTemplate } from "./template.ts";
import { appView } from "./view.ts";

/** Both spellings are in use; the app stays in the environment that it was created in. */
const environmentOf = async (
  change: Change,
  before: ContainerApp | undefined,
  { resources }: AppsContext,
): Promise<string> => {
  const properties = objectOf(change.body["properties"]);
  const asked = textOf(properties["environmentId"]) || textOf(properties["managedEnvironmentId"]);
  if (before !== undefined) {
    if (asked !== "" && idKey(asked) !== idKey(before.environmentId))
      throw containerAppFault("environmentFixed", { id: before.environmentId });
    return before.environmentId;
  }
  if (asked === "") throw containerAppFault("environmentRequired");
  const record = await resources.get(asked);
  if (record?.type !== environmentType) throw containerAppFault("environmentNotFound", { id: asked });
  await change.call.require({
    kind: "action",
    name: `${environmentType}/join/action`,
    scope: record.id,
    linkedTo: { name: change.call.operation, scope: change.id },
  });
  return record.id;
};

const draft = async (change: Change, context: AppsContext): Promise<Draft> => {
  const { existing, body, verb } = change;
  const { clock, ids } = context.arm;
  const before = existing === undefined ? undefined : appOf(existing);
  const environmentId = await environmentOf(change, before, context);
  const asked = objectOf(body["properties"]);
  const patching = verb === "PATCH" && before !== undefined;
  const wanted = patching
    ? {
        configuration: merge(before.configuration, objectOf(asked["configuration"])),
        // A suffix names one revision; the next one gets its own.
        template: merge({ ...before.template, revisionSuffix: "" }, objectOf(asked["template"])),
      }
    : { configuration: objectOf(asked["configuration"]), template: objectOf(asked["template"]) };
  const profile =
    textOf(asked["workloadProfileName"]) || (patching ? textOf(existing?.properties["workloadProfileName"]) : "");
  const template = completeTemplate(wanted.template, profile !== "" && profile !== "Consumption");
  const known = new Set((before?.revisions ?? []).map(({ name }) => name));
  const configuration = completeConfiguration(wanted.configuration, known);
  const values = changedSecrets(objectOf(asked["configuration"])["secrets"], verb, before?.secrets ?? {});
  checkReferences(template, configuration, values);
  const revisions = nextRevisions(
    {
      name: change.name,
      single: configuration["activeRevisionsMode"] === "Single",
      before: before?.revisions ?? [],
      keep: Number(configuration["maxInactiveRevisions"] ?? 100),
    },
    template,
    new Date(clock.now()).toISOString(),
    ids,
  );
  return {
    properties: {
      environmentId,
      ...(profile === "" ? {} : { workloadProfileName: profile }),
      customDomainVerificationId:
        textOf(existing?.properties["customDomainVerificationId"]) || ids.bytes(32).toString("hex").toUpperCase(),
      configuration,
      template,
      revisions: revisions.map((each) => ({ ...each })),
      stopped: before?.stopped ?? false,
    },
    secrets: { ...existing?.secrets, values: { ...values } as Record<string, Record<string, string>> },
  };
};

/** A new app, or one whose new secrets could not be read, must be aligned as well as one with a new revision. */
const written = async (record: ResourceRecord, change: Change, context: AppsContext): Promise<void> => {
  await readVaultSecrets(record, change.call, context.resources, "missing");
  context.sync.soon(record.id);
};

const setStopped = async (
  type: ResourceType,
  call: ArmCall,
  record: ResourceRecord,
  stopped: boolean,
  context: AppsContext,
): Promise<Reply> => {
  if (!stopped) await readVaultSecrets(record, call, context.resources, "all");
  const after = await context.resources.update(record.id, (kept) => ({
    ...kept,
    properties: { ...kept.properties, stopped },
  }));
  await context.sync.now(record.id);
  // The clients' operation ends with the app as its result (management-sdks.md 5.9).
  return json(await present(after ?? record, type, call, context.arm));
};

export const appResource = (context: AppsContext): ResourceType => {
  const type: ResourceType = {
    type: appType,
    apiVersions: appApiVersions,
    at: "group",
    tracked: true,
    identity: "shown",
    nameRule: {
      pattern: /^(?!.*--)[a-z](?:[a-z0-9-]{0,30}[a-z0-9])$/,
      text: "Use 2 to 32 lower-case letters, digits and single hyphens, beginning with a letter and ending with a letter or digit.",
    },
    // az reads the body of a 200 and would poll a 201 (az-cli.md 4.14).
    codes: { created: 200, updated: 200, deleted: 200 },
    write: (change) => draft(change, context),
    written: (record, change) => written(record, change, context),
    deleted: (record) => {
      context.logTokens.forget(record.id);
      return context.sync.now(record.id);
    },
    present: async (record) => {
      const app = appOf(record);
      return appView(app, await domainOf(app, context.resources), context.runner.state(record.id));
    },
    actions: [
      { name: "listSecrets", handle: (_call, record) => json({ value: listedSecrets(appOf(record)) }) },
      {
        name: "getAuthtoken",
        handle: (_call, record) => json({ location: record.location, properties: context.logTokens.issue(record.id) }),
      },
      { name: "start", handle: (call, record) => setStopped(type, call, record, false, context) },
      { name: "stop", handle: (call, record) => setStopped(type, call, record, true, context) },
    ],
  };
  return type;
};
