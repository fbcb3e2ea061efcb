/**
 * Settings that keep callers out, or that an app relies on, and that nothing here enforces. Keeping them silently would let in
 * what Azure refuses, so they are refused themselves. Values that restrict nothing pass: clients send back what they read.
 */
import { isObject, type JsonObject, textOf } from "../../arm/record.ts";
import { notBuilt } from "../../kernel/fault.ts";

const filled = (value: unknown): boolean =>
  Array.isArray(value) ? value.length > 0 : isObject(value) && Object.keys(value).length > 0;

/** Azure shows one rule that allows everybody where there are none. */
const restricts = (rules: unknown): boolean =>
  Array.isArray(rules) &&
  rules.some(
    (rule: unknown) =>
      !isObject(rule) ||
      textOf(rule["action"]).toLowerCase() === "deny" ||
      !/^(any|0\.0\.0\.0\/0)$/i.test(textOf(rule["ipAddress"])),
  );

const denies = (value: unknown): boolean => textOf(value).toLowerCase() === "deny";
const disabled = (value: unknown): boolean => textOf(value).toLowerCase() === "disabled";

/** @throws 400 naming what is not built */
export const refuseRestrictions = (properties: JsonObject, config: JsonObject): void => {
  if (properties["clientCertEnabled"] === true) throw notBuilt("Asking callers of an app for certificates", 400);
  if (disabled(properties["publicNetworkAccess"]) || disabled(config["publicNetworkAccess"]))
    throw notBuilt("An app without public network access", 400);
  const lists = ["ipSecurityRestrictions", "scmIpSecurityRestrictions"];
  if (lists.some((name) => restricts(config[name]) || denies(config[`${name}DefaultAction`])))
    throw notBuilt("Access restrictions of an app", 400);
  if (isObject(config["cors"]) && filled(config["cors"]["allowedOrigins"]))
    throw notBuilt("CORS by App Service (the app can answer preflights itself)", 400);
  if (filled(config["azureStorageAccounts"])) throw notBuilt("Storage mounted into an app", 400);
};
