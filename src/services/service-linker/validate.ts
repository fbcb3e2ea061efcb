import type { ArmContext } from "../../arm/context.ts";
import { objectOf, type ResourceRecord, textOf } from "../../arm/record.ts";
import { parentOf } from "../../arm/resource-id.ts";
import type { ArmCall } from "../../arm/resource-type.ts";
import type { Setting } from "./settings.ts";
import { sourceOf } from "./sources.ts";
import { targetOf } from "./targets.ts";
import { Work } from "./work.ts";

interface Item {
  readonly name: string;
  readonly description: string;
  readonly result: "success" | "failure" | "warning";
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
}

/** `validateLinker`: looks at what the connection needs, and says for each part whether it is there (app-service.md 5.4). */
export const validate = async (
  call: ArmCall,
  record: ResourceRecord,
  settings: readonly Setting[],
  context: ArmContext,
): Promise<Record<string, unknown>> => {
  const started = new Date(context.clock.now()).toISOString();
  const work = new Work(call);
  const source = parentOf(record.id);
  const target = targetOf(textOf(objectOf(record.properties["targetService"])["id"]));
  const item = (name: string, description: string, problem: string | undefined): Item => ({
    name,
    description,
    result: problem === undefined ? "success" : "failure",
    errorCode: problem === undefined ? null : name,
    errorMessage: problem ?? null,
  });
  const details: Item[] = [];
  const status = target === undefined ? 404 : await work.status("GET", target.resourceId);
  details.push(
    item(
      "TargetExistence",
      "The target existence is validated",
      status === 200 ? undefined : `Reading the target answered ${status}.`,
    ),
  );
  const listed = await sourceOf(source)
    ?.settings(work, source, textOf(record.properties["scope"]))
    .catch(() => undefined);
  const lost = settings.filter(([name]) => listed?.[name] === undefined).map(([name]) => name);
  details.push(
    item(
      "SourceConfiguration",
      "The app settings of the connection are validated",
      lost.length === 0 ? undefined : `App settings are missing: ${lost.join(", ")}.`,
    ),
  );
  const { identity } = (await context.resources.get(source)) ?? {};
  const authType = textOf(objectOf(record.properties["authInfo"])["authType"]);
  if (authType === "systemAssignedIdentity")
    details.push(
      item(
        "SourceIdentity",
        "The identity of the source is validated",
        identity?.principalId === undefined ? "The source has no system-assigned identity." : undefined,
      ),
    );
  return {
    resourceId: record.id,
    status: "Succeeded",
    properties: {
      linkerName: record.name,
      isConnectionAvailable: details.every((each) => each.result === "success"),
      reportStartTimeUtc: started,
      reportEndTimeUtc: new Date(context.clock.now()).toISOString(),
      sourceId: source,
      targetId: textOf(objectOf(record.properties["targetService"])["id"]),
      authType,
      validationDetail: details,
    },
  };
};
