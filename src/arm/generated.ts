import type { Method, Reply } from "../kernel/message.ts";
import type { AnyOperation } from "../kernel/operation.ts";
import type { ArmContext } from "./context.ts";
import { deleteResource } from "./delete.ts";
import { armFault } from "./faults.ts";
import { idOf, nameOf, typeOf } from "./resource-id.ts";
import type { ArmCall, ArmTarget, ResourceSource, ResourceType } from "./resource-type.ts";
import { listResources, missing, notSupported, readResource, writeResource } from "./write.ts";

const bodyLimit = 4 * 1024 * 1024;

/** The operations of a resource type, keyed by verb: `read`, `list`, `put`, `patch`, `delete`, and each action's name. */
export type TypeOperations = ReadonlyMap<string, AnyOperation<ArmTarget>>;

/**
 * Derives a type's operations. The permission of each is `<type>/<verb>`, spelled with the URL's own letter case as ARM
 * quotes it in refusals (access.md 0.5).
 */
export const operationsOfType = (type: ResourceType, context: ArmContext): TypeOperations => {
  const operation = (
    verb: "read" | "write" | "delete" | `${string}/action`,
    method: Method | readonly Method[],
    handle: (call: ArmCall) => Promise<Reply> | Reply,
    limit: number,
    filtered = false,
  ): AnyOperation<ArmTarget> => ({
    name: `${type.type}/${verb}`,
    method,
    path: "**",
    bodyLimit: limit,
    needs: {
      depends: async (call) => {
        const { path } = call.target;
        const action = `${path === undefined ? type.type : typeOf(path)}/${verb}`;
        if (filtered && path?.names.length === 0) return { filtered: action };
        if (type.attributes === undefined || (verb !== "write" && verb !== "delete")) return { action };
        const attributes = await type.attributes(call);
        return { action, attributes: () => attributes };
      },
    },
    handle: (call) => {
      checkApiVersion(call, type);
      context.requireUnlocked?.(call);
      return handle(call);
    },
  });
  const { source } = type;
  const from = <Name extends keyof ResourceSource>(
    name: Name,
    otherwise: (call: ArmCall) => Promise<Reply>,
  ): ((call: ArmCall) => Promise<Reply> | Reply) => {
    if (source === undefined) return otherwise;
    const handler = source[name];
    return (call) => {
      if (handler === undefined) throw notSupported(call);
      const id = call.target.id;
      return name === "list"
        ? (handler as NonNullable<ResourceSource["list"]>)(call, id)
        : handler(call, id, call.target.path?.names.at(-1) ?? nameOf(id));
    };
  };
  const operations = new Map<string, AnyOperation<ArmTarget>>([
    [
      "read",
      operation(
        "read",
        ["GET", "HEAD"],
        from("get", (call) => readResource(type, call, context)),
        bodyLimit,
      ),
    ],
    [
      "list",
      operation(
        "read",
        "GET",
        from("list", (call) => listResources(type, call, context)),
        bodyLimit,
        true,
      ),
    ],
    [
      "put",
      operation(
        "write",
        "PUT",
        from("put", (call) => writeResource(type, call, "PUT", context)),
        bodyLimit,
      ),
    ],
    [
      "patch",
      operation(
        "write",
        "PATCH",
        from("patch", (call) => writeResource(type, call, "PATCH", context)),
        bodyLimit,
      ),
    ],
    [
      "delete",
      operation(
        "delete",
        "DELETE",
        from("delete", (call) => deleteResource(type, call, context)),
        bodyLimit,
      ),
    ],
  ]);
  for (const action of type.actions ?? [])
    operations.set(
      `action:${action.name.toLowerCase()}`,
      operation(
        `${action.name}/action`,
        "POST",
        async (call) => {
          const id = call.target.path === undefined ? call.target.id : idOf(call.target.path);
          const record = await context.resources.get(id);
          if (record === undefined) throw missing(id, type);
          return action.handle(call, record);
        },
        action.bodyLimit ?? bodyLimit,
      ),
    );
  return operations;
};

/** Types route by provider and type whatever the version (clients send old and new ones); nonsense is refused. */
export const checkApiVersion = (call: ArmCall, type: Pick<ResourceType, "apiVersions">): void => {
  const version = apiVersion(call);
  if (version === undefined) throw armFault("missingApiVersion");
  const date = /^(\d{4})-(\d{2})-(\d{2})(-(preview|beta|alpha|privatepreview))?$/i.exec(version);
  const year = Number(date?.[1]);
  if (date === null || year < 2013 || year > 2027 || Number.isNaN(Date.parse(version.slice(0, 10))))
    throw armFault("invalidApiVersion", { version, supported: type.apiVersions.join(", ") });
};

const apiVersion = (call: ArmCall): string | undefined => {
  for (const [name, value] of call.request.query) if (name.toLowerCase() === "api-version") return value;
  return undefined;
};
