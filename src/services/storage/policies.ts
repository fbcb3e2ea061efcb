/** Stored access policies on the wire (storage.md 7.1). */
import type { StoredPolicy } from "./engine/records.ts";
import { storageFault } from "./faults.ts";
import { child, childText, document, element, parseXml, type XmlNode } from "./xml.ts";

export const policiesXml = (policies: readonly StoredPolicy[]): string =>
  document(
    `<SignedIdentifiers>${policies
      .map(
        ({ id, start, expiry, permission }) =>
          `<SignedIdentifier>${element("Id", id)}<AccessPolicy>${element("Start", start)}${element("Expiry", expiry)}` +
          `${element("Permission", permission)}</AccessPolicy></SignedIdentifier>`,
      )
      .join("")}</SignedIdentifiers>`,
  );

/** Up to five policies with ids of up to 64 characters. An empty body means none. @throws Fault 400 */
export const readPolicies = (text: string): readonly StoredPolicy[] => {
  if (text.trim() === "") return [];
  const policies = parseXml(text, "SignedIdentifiers").children.map(policyOf);
  if (policies.length > 5 || new Set(policies.map(({ id }) => id)).size !== policies.length)
    throw storageFault("invalidXml");
  return policies;
};

const policyOf = (node: XmlNode): StoredPolicy => {
  const id = childText(node, "Id") ?? "";
  if (node.name !== "SignedIdentifier") throw storageFault("invalidXml");
  if (id === "" || id.length > 64)
    throw storageFault("invalidXmlValue", {}, { detail: { XmlNodeName: "Id", XmlNodeValue: id.slice(0, 100) } });
  const policy = child(node, "AccessPolicy");
  const [start, expiry, permission] = ["Start", "Expiry", "Permission"].map((name) => childText(policy, name));
  for (const time of [start, expiry])
    if (time !== undefined && time !== "" && Number.isNaN(Date.parse(time)))
      throw storageFault("invalidXmlValue", {}, { detail: { XmlNodeValue: time.slice(0, 100) } });
  return {
    id,
    ...(start === undefined || start === "" ? {} : { start }),
    ...(expiry === undefined || expiry === "" ? {} : { expiry }),
    ...(permission === undefined || permission === "" ? {} : { permission }),
  };
};
