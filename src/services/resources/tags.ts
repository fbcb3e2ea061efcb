/** `Microsoft.Resources/tags/default`: the tags of a resource or group, without writing the resource itself. */
import type { ArmContext } from "../../arm/context.ts";
import { armFault } from "../../arm/faults.ts";
import { isObject, objectOf, readTags, type ResourceRecord, textOf } from "../../arm/record.ts";
import { parentOf } from "../../arm/resource-id.ts";
import type { ArmCall, ResourceType } from "../../arm/resource-type.ts";
import { notBuilt } from "../../kernel/fault.ts";
import { empty, json, type Reply } from "../../kernel/message.ts";

type Tags = Readonly<Record<string, string>>;

const type = "Microsoft.Resources/tags";
/** learn.microsoft.com/azure/azure-resource-manager/management/tag-resources: limitations */
const limits = { tags: 50, name: 512, value: 256 };

export const tags = (context: ArmContext): ResourceType => {
  const find = async (id: string): Promise<ResourceRecord> => {
    const scope = parentOf(id);
    if (/^\/subscriptions\/[^/]+$/i.test(scope)) throw notBuilt("Tags of a subscription", 400);
    const found = await context.resources.get(scope);
    if (found === undefined) throw armFault("notFound", { path: scope });
    return found;
  };
  const keep = async (id: string, change: (before: Tags) => Tags): Promise<Reply> => {
    const record = await find(id);
    const kept = await context.resources.update(record.id, (before) => ({
      ...before,
      tags: checked(change(before.tags ?? {})),
    }));
    return json(shown(kept ?? record));
  };
  return {
    type,
    apiVersions: ["2025-04-01", "2021-04-01"],
    at: "extension",
    tracked: false,
    source: {
      get: async (_call, id) => json(shown(await find(id))),
      put: async (call, id) => {
        const given = await givenTags(call);
        return keep(id, () => given.tags);
      },
      patch: async (call, id) => {
        const { operation, tags: given } = await givenTags(call);
        const change = operations[operation.toLowerCase()];
        if (change === undefined)
          throw armFault("invalidContent", { why: "The operation must be Merge, Replace or Delete." });
        return keep(id, (before) => change(before, given));
      },
      delete: async (_call, id) => {
        await keep(id, () => ({}));
        return empty(200);
      },
    },
  };
};

const operations: Readonly<Record<string, (before: Tags, given: Tags) => Tags>> = {
  merge: (before, given) => ({ ...before, ...given }),
  replace: (_before, given) => given,
  /** A tag goes when its value is the one given. */
  delete: (before, given) =>
    Object.fromEntries(Object.entries(before).filter(([name, value]) => given[name] !== value)),
};

const givenTags = async (call: ArmCall): Promise<{ readonly operation: string; readonly tags: Tags }> => {
  const body = await call.body.json();
  if (!isObject(body)) throw armFault("invalidContent", { why: "The request body must be a JSON object." });
  return { operation: textOf(body["operation"]), tags: readTags(objectOf(body["properties"])["tags"]) };
};

const checked = (given: Tags): Tags => {
  const entries = Object.entries(given);
  const long = entries.find(([name, value]) => name.length > limits.name || value.length > limits.value);
  if (entries.length > limits.tags || long !== undefined)
    throw armFault("invalidContent", {
      why: `A resource has at most ${limits.tags} tags, with names of ${limits.name} and values of ${limits.value} characters.`,
    });
  return given;
};

const shown = (record: ResourceRecord): unknown => ({
  id: `${record.id}/providers/${type}/default`,
  name: "default",
  type,
  properties: { tags: record.tags ?? {} },
});
