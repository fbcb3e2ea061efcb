/** Which attributes conditions may use, and how a condition's spelling finds the value that an operation supplies. */
import type { Attribute } from "./syntax.ts";

/** The kernel's form of an attribute value. Lists hold strings. */
export type AttributeValue = string | number | boolean | readonly string[];

/** Values by `Source[type:name]`, e.g. `Resource[Microsoft.Storage/storageAccounts:name]`. */
export type AttributeValues = Readonly<Record<string, AttributeValue>>;

const blobs = "microsoft.storage/storageaccounts/blobservices/containers/blobs";
const caseSensitiveKey = "<$key_case_sensitive$>";
const tagPrefix = `${blobs}/tags:`;

// https://learn.microsoft.com/azure/storage/blobs/storage-auth-abac-attributes, .../queues/queues-auth-abac-attributes,
// https://learn.microsoft.com/azure/role-based-access-control/conditions-authorization-actions-attributes
const supported: ReadonlySet<string> = new Set([
  "resource[microsoft.storage/storageaccounts:name]",
  "resource[microsoft.storage/storageaccounts:ishnsenabled]",
  "resource[microsoft.storage/storageaccounts/encryptionscopes:name]",
  "resource[microsoft.storage/storageaccounts/blobservices/containers:name]",
  `resource[${blobs}:path]`,
  `resource[${blobs}:iscurrentversion]`,
  `resource[${blobs}/tags&$keys$]`,
  `request[${blobs}/tags&$keys$]`,
  `request[${blobs}:prefix]`,
  `request[${blobs}:snapshot]`,
  `request[${blobs}:versionid]`,
  "resource[microsoft.storage/storageaccounts/queueservices/queues:name]",
  "environment[isprivatelink]",
  "environment[microsoft.network/privateendpoints]",
  "environment[microsoft.network/virtualnetworks/subnets]",
  "environment[utcnow]",
  "request[suboperation]",
  ...["request", "resource"].flatMap((source) =>
    ["roledefinitionid", "principalid", "principaltype"].map(
      (name) => `${source}[microsoft.authorization/roleassignments:${name}]`,
    ),
  ),
]);

const lookUps = new Map<string, (values: AttributeValues) => AttributeValue | undefined>();

const keyOf = (attribute: Attribute): string =>
  `${attribute.source}[${attribute.name.endsWith("&") ? attribute.name.slice(0, -1) : attribute.name}]`;

const findIgnoringCase = (values: AttributeValues, wanted: string): AttributeValue | undefined => {
  for (const key of Object.keys(values)) if (key.toLowerCase() === wanted) return values[key];
  return undefined;
};

const lookUpOf = (attribute: Attribute): ((values: AttributeValues) => AttributeValue | undefined) => {
  const key = keyOf(attribute);
  const lower = key.toLowerCase();
  const tag = `${attribute.source.toLowerCase()}[${tagPrefix}`;
  if (!lower.startsWith(tag) || !lower.endsWith(`${caseSensitiveKey}]`)) {
    return (values) => (Object.hasOwn(values, key) ? values[key] : findIgnoringCase(values, lower));
  }
  const tagKey = key.slice(tag.length, -caseSensitiveKey.length - 1);
  return (values) => {
    for (const name of Object.keys(values)) {
      if (name.toLowerCase().startsWith(tag) && name.slice(tag.length, -1) === tagKey) return values[name];
    }
    return undefined;
  };
};

/** True when Azure documents the attribute for an operation that Lanyard decides. */
export const isSupported = (attribute: Attribute): boolean => {
  const key = keyOf(attribute).toLowerCase();
  return (
    supported.has(key) ||
    key.startsWith(`resource[${tagPrefix}`) ||
    key.startsWith(`request[${tagPrefix}`) ||
    key.startsWith("principal[microsoft.directory/customsecurityattributes/id:")
  );
};

/**
 * The value that the operation supplies for an attribute. Services supply tags as `…/blobs/tags:Project`; conditions
 * may mark the key as case-sensitive. An empty list counts as not supplied.
 */
export const valueOf = (attribute: Attribute, values: AttributeValues): AttributeValue | undefined => {
  const key = keyOf(attribute);
  let lookUp = lookUps.get(key);
  if (lookUp === undefined) {
    if (lookUps.size >= 1000) lookUps.clear();
    lookUp = lookUpOf(attribute);
    lookUps.set(key, lookUp);
  }
  const value = lookUp(values);
  return Array.isArray(value) && value.length === 0 ? undefined : value;
};
