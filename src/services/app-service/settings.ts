/** App settings and connection strings as clients write them. */
import { isObject, type JsonObject, objectOf, textOf } from "../../arm/record.ts";
import { webFault } from "./faults.ts";
import type { ConnectionStrings } from "./site.ts";

const checkName = (name: string): string => {
  // Azure documents letters, digits, `.` and `_`; clients also send `:` and `-`, which Linux turns into `__` or keeps.
  if (!/^[\w.:-]{1,256}$/.test(name))
    throw webFault("invalidSettings", {
      why: `The app setting name '${name.slice(0, 100)}' is invalid. Use letters, digits, periods and underscores.`,
    });
  return name.replaceAll(":", "__");
};

const checkValue = (name: string, value: unknown): string => {
  const text = textOf(value);
  if (text.includes("\0"))
    throw webFault("invalidSettings", { why: `The value of '${name}' contains a NUL character.` });
  return text;
};

/** `{properties: {name: value}}` of config/appsettings. A null value drops the setting. */
export const settingsOf = (properties: unknown): Record<string, string> => {
  if (properties !== undefined && properties !== null && !isObject(properties))
    throw webFault("invalidSettings", { why: "The properties must be an object of names and values." });
  return Object.fromEntries(
    Object.entries(objectOf(properties))
      .filter(([, value]) => value !== null)
      .map(([name, value]) => [checkName(name), checkValue(name, value)]),
  );
};

/** `[{name, value}]` of siteConfig.appSettings; undefined when it is not given. */
export const settingsInArray = (list: unknown): Record<string, string> | undefined => {
  if (!Array.isArray(list)) return undefined;
  return Object.fromEntries(
    list.map((each: unknown) => {
      const { name, value } = objectOf(each);
      return [checkName(textOf(name)), checkValue(textOf(name), value)];
    }),
  );
};

const types = new Map(
  [
    "MySql",
    "SQLServer",
    "SQLAzure",
    "Custom",
    "NotificationHub",
    "ServiceBus",
    "EventHub",
    "ApiHub",
    "DocDb",
    "RedisCache",
    "PostgreSQL",
  ].map((type) => [type.toLowerCase(), type] as const),
);

const connectionString = (name: string, given: unknown): ConnectionStrings[string] => {
  const { value, connectionString: text, type } = objectOf(given);
  const known = types.get(textOf(type).toLowerCase());
  if (known === undefined)
    throw webFault("invalidSettings", { why: `The connection string '${name}' has no type that is known.` });
  return { value: checkValue(name, value ?? text), type: known };
};

/** `{properties: {name: {value, type}}}` of config/connectionstrings. */
export const connectionStringsOf = (properties: unknown): ConnectionStrings =>
  Object.fromEntries(
    Object.entries(objectOf(properties))
      .filter(([, value]) => value !== null)
      .map(([name, given]) => [checkName(name), connectionString(name, given)]),
  );

/** `[{name, connectionString, type}]` of siteConfig.connectionStrings. */
export const connectionStringsInArray = (list: unknown): ConnectionStrings | undefined =>
  Array.isArray(list)
    ? Object.fromEntries(
        list.map((each: unknown) => {
          const name = checkName(textOf(objectOf(each)["name"]));
          return [name, connectionString(name, each)];
        }),
      )
    : undefined;

/** Clients echo what they have read, nulls included: a null is nothing to change. */
export const withoutNulls = (value: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(value).filter(([, each]) => each !== null && each !== undefined));
