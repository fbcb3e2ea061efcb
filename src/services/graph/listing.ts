import { json, type Reply, type Request } from "../../kernel/message.ts";
import { graphFault } from "./faults.ts";
import { type EntityType, type Json, parseFilter } from "./filter.ts";

const defaultPage = 100;
const largestPage = 999;
const metadata = "https://graph.microsoft.com";

/** A collection under the request's `$filter`, `$select`, `$top`, `$count` and `$skiptoken`. */
export const collection = (
  request: Request,
  set: { readonly version: string; readonly name: string; readonly type: EntityType },
  objects: readonly Json[],
): Reply => {
  const { query } = request;
  for (const name of ["$search", "$orderby", "$expand", "$apply", "$skip"])
    if (query.has(name))
      throw graphFault("unsupported", {
        why: `The query option '${name}' is not supported for ${set.name} by Lanyard.`,
      });
  const filter = query.get("$filter");
  const holds = filter === null ? () => true : parseFilter(filter, set.type);
  const matching = objects.filter((object) => holds(object));
  const after = startOf(query.get("$skiptoken"));
  const size = pageSize(query.get("$top"));
  const ordered = matching.toSorted((a, b) => (String(a["id"]) < String(b["id"]) ? -1 : 1));
  const rest = after === undefined ? ordered : ordered.filter((object) => String(object["id"]) > after);
  const page = rest.slice(0, size);
  const select = selection(query.get("$select"), set.type);
  return json({
    "@odata.context": contextOf(set.version, set.name, query.get("$select")),
    ...(query.get("$count") === "true" ? { "@odata.count": matching.length } : {}),
    ...(rest.length > size ? { "@odata.nextLink": nextLink(request, page.at(-1)) } : {}),
    value: page.map(select),
  });
};

/** One object under `$select`. */
export const entity = (
  request: Request,
  set: { readonly version: string; readonly name: string; readonly type: EntityType },
  object: Json,
): Reply =>
  json({
    "@odata.context": `${contextOf(set.version, set.name, request.query.get("$select"))}/$entity`,
    ...selection(request.query.get("$select"), set.type)(object),
  });

const contextOf = (version: string, name: string, select: string | null): string =>
  `${metadata}/${version}/$metadata#${name}${select === null ? "" : `(${select})`}`;

const selection = (select: string | null, type: EntityType): ((object: Json) => Json) => {
  if (select === null || select.trim() === "" || select.trim() === "*") return (object) => object;
  const names = select.split(",").map((name) => name.trim());
  const unknown = names.find((name) => !type.fields.includes(name));
  if (unknown !== undefined) throw graphFault("property", { name: unknown, type: type.name });
  return (object) =>
    Object.fromEntries(Object.entries(object).filter(([name]) => name === "@odata.type" || names.includes(name)));
};

const pageSize = (top: string | null): number => {
  if (top === null) return defaultPage;
  const size = Number(top);
  if (!Number.isInteger(size) || size < 1 || size > largestPage)
    throw graphFault("badRequest", {
      why: `Invalid page size specified: '${top.slice(0, 20)}'. Must be between 1 and 999 inclusive.`,
    });
  return size;
};

/** The token is the last id of the page before: a page stays right when objects come and go. */
const startOf = (token: string | null): string | undefined => {
  if (token === null) return undefined;
  const id = Buffer.from(token, "base64url").toString("utf8");
  if (id === "") throw graphFault("badRequest", { why: "Specified page token value is invalid." });
  return id;
};

const nextLink = (request: Request, last: Json | undefined): string => {
  const query = new URLSearchParams(request.query);
  query.set("$skiptoken", Buffer.from(String(last?.["id"])).toString("base64url"));
  return `https://${request.host}${request.rawPath}?${query.toString().replaceAll("%24", "$")}`;
};
