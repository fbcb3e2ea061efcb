/** Blob service properties on the wire (storage.md 7.1). */
import { notBuilt } from "../../kernel/fault.ts";
import { storageFault } from "./faults.ts";
import type { CorsRule, ServiceProperties } from "./service-properties.ts";
import { child, childText, document, element, parseXml, type XmlNode } from "./xml.ts";

const retention = "<RetentionPolicy><Enabled>false</Enabled></RetentionPolicy>";
const metrics = (name: string): string =>
  `<${name}><Version>1.0</Version><Enabled>false</Enabled>${retention}</${name}>`;

export const servicePropertiesXml = (properties: ServiceProperties): string => {
  const { cors = [], defaultServiceVersion, staticWebsite } = properties;
  return document(
    "<StorageServiceProperties>" +
      `<Logging><Version>1.0</Version><Delete>false</Delete><Read>false</Read><Write>false</Write>${retention}</Logging>` +
      `${metrics("HourMetrics")}${metrics("MinuteMetrics")}<Cors>${cors.map(ruleXml).join("")}</Cors>` +
      element("DefaultServiceVersion", defaultServiceVersion) +
      "<DeleteRetentionPolicy><Enabled>false</Enabled></DeleteRetentionPolicy>" +
      `<StaticWebsite><Enabled>${staticWebsite?.enabled === true}</Enabled></StaticWebsite></StorageServiceProperties>`,
  );
};

const ruleXml = (rule: CorsRule): string =>
  "<CorsRule>" +
  element("AllowedOrigins", rule.origins.join(",")) +
  element("AllowedMethods", rule.methods.join(",")) +
  element("AllowedHeaders", rule.allowedHeaders.join(",")) +
  element("ExposedHeaders", rule.exposedHeaders.join(",")) +
  element("MaxAgeInSeconds", rule.maxAge) +
  "</CorsRule>";

/** A section that is missing stays; an empty `<Cors/>` clears the rules. What would have no effect is refused. */
export const readServicePropertiesXml = (text: string): ServiceProperties => {
  const root = parseXml(text, "StorageServiceProperties");
  for (const name of ["DeleteRetentionPolicy", "StaticWebsite"])
    if (childText(child(root, name), "Enabled")?.toLowerCase() === "true")
      throw notBuilt(`${name} of the blob service`);
  const cors = child(root, "Cors");
  const version = childText(root, "DefaultServiceVersion");
  return {
    ...(cors === undefined ? {} : { cors: rulesOf(cors) }),
    ...(version === undefined ? {} : { defaultServiceVersion: version }),
  };
};

const list = (text: string | undefined): string[] =>
  (text ?? "")
    .split(",")
    .map((each) => each.trim())
    .filter((each) => each !== "");

const rulesOf = (cors: XmlNode): readonly CorsRule[] => {
  const rules = cors.children.map((node) => ({
    origins: list(childText(node, "AllowedOrigins")),
    methods: list(childText(node, "AllowedMethods")),
    allowedHeaders: list(childText(node, "AllowedHeaders")),
    exposedHeaders: list(childText(node, "ExposedHeaders")),
    maxAge: Number(childText(node, "MaxAgeInSeconds") ?? "0"),
  }));
  return checkedRules(rules);
};

const methods = new Set(["DELETE", "GET", "HEAD", "MERGE", "POST", "OPTIONS", "PUT", "PATCH"]);

/** At most five rules with origins, methods and a sane age. @throws Fault 400 */
export const checkedRules = (rules: readonly CorsRule[]): readonly CorsRule[] => {
  const sound = rules.every(
    (rule) =>
      rule.origins.length > 0 &&
      rule.methods.length > 0 &&
      rule.methods.every((method) => methods.has(method.toUpperCase())) &&
      // They go out as headers.
      [...rule.origins, ...rule.allowedHeaders, ...rule.exposedHeaders].every((text) => /^[!-~]+$/.test(text)) &&
      Number.isInteger(rule.maxAge) &&
      rule.maxAge >= 0,
  );
  if (!sound || rules.length > 5) throw storageFault("invalidXmlValue");
  return rules;
};
