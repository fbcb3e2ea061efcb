/** Properties of a flexible server: what is asked, checked and completed. Source: az-cli.md 4.2, management-sdks.md 5.2. */
import { type Json, type JsonObject, merge, objectOf, textOf } from "../../arm/record.ts";
import type { Change, Draft } from "../../arm/resource-type.ts";
import type { AuthConfig } from "./engine.ts";
import { postgresFault } from "./faults.ts";

/** Names that Azure or the engine keeps for itself. */
const reservedLogins =
  /^(?:azure_superuser|azuresu|azure_pg_admin|admin|administrator|root|guest|public|pg_.*|lanyard_.*)$/i;

const versions = ["11", "12", "13", "14", "15", "16", "17", "18"];

const choice = (value: Json | undefined, fallback: "Enabled" | "Disabled", name: string): "Enabled" | "Disabled" => {
  if (value === undefined || value === null) return fallback;
  if (value === "Enabled" || value === "Disabled") return value;
  throw postgresFault("invalidParameter", { name, why: "Use Enabled or Disabled." });
};

/** The kept `authConfig`, as the engine wants it. */
export const authConfigOf = (properties: JsonObject): AuthConfig => {
  const kept = objectOf(properties["authConfig"]);
  return {
    activeDirectoryAuth: choice(kept["activeDirectoryAuth"], "Disabled", "authConfig.activeDirectoryAuth"),
    passwordAuth: choice(kept["passwordAuth"], "Enabled", "authConfig.passwordAuth"),
  };
};

const categories = [/[A-Z]/, /[a-z]/, /[0-9]/, /[^A-Za-z0-9]/];

/** https://learn.microsoft.com/azure/postgresql/flexible-server/quickstart-create-server: 8 to 128, three categories. */
const checkPassword = (password: string, login: string): void => {
  const name = "administratorLoginPassword";
  if (password.length < 8 || password.length > 128)
    throw postgresFault("invalidParameter", { name, why: "The password must have 8 to 128 characters." });
  if (categories.filter((category) => category.test(password)).length < 3)
    throw postgresFault("invalidParameter", {
      name,
      why: "The password must contain characters of three of these: upper-case letters, lower-case letters, digits, others.",
    });
  if (login !== "" && password.toLowerCase().includes(login.toLowerCase()))
    throw postgresFault("invalidParameter", { name, why: "The password must not contain the login name." });
};

const checkLogin = (login: string): void => {
  const name = "administratorLogin";
  if (reservedLogins.test(login))
    throw postgresFault("invalidParameter", { name, why: `The name '${login}' is reserved.` });
  if (!/^[A-Za-z][A-Za-z0-9_]{0,62}$/.test(login))
    throw postgresFault("invalidParameter", {
      name,
      why: "Use 1 to 63 letters, digits and underscores, beginning with a letter.",
    });
};

const defaults = ({ name, body }: Change, tenantId: string): JsonObject => ({
  version: "17",
  fullyQualifiedDomainName: `${name}.postgres.database.azure.com`,
  state: "Ready",
  // az crashes without it (az-cli.md 3.4).
  replicationRole: "Primary",
  replica: { role: "Primary", capacity: 5 },
  replicaCapacity: 5,
  availabilityZone: textOf(objectOf(body["properties"])["availabilityZone"]) || "1",
  storage: { storageSizeGB: 32, autoGrow: "Disabled", tier: "P4", iops: 120, type: "" },
  backup: { backupRetentionDays: 7, geoRedundantBackup: "Disabled" },
  network: { publicNetworkAccess: "Enabled" },
  highAvailability: { mode: "Disabled", state: "NotEnabled" },
  maintenanceWindow: { customWindow: "Disabled", dayOfWeek: 0, startHour: 0, startMinute: 0 },
  authConfig: { activeDirectoryAuth: "Disabled", passwordAuth: "Enabled", tenantId },
  dataEncryption: { type: "SystemManaged" },
});

/** Members that are answers, not wishes. */
const fixed = ["fullyQualifiedDomainName", "state", "replicationRole", "replica", "replicaCapacity", "minorVersion"];

const withoutEmpty = (asked: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(asked).filter(([name, value]) => !fixed.includes(name) && value !== null));

/**
 * Completes a PUT or PATCH. The sealed member holds what the engine has not done yet, a new password included: after a
 * crash it tells a change that was interrupted from one that is complete.
 */
export const draftServer = (change: Change, tenantId: string): Draft => {
  const { body, existing } = change;
  const { administratorLoginPassword, createMode: _mode, ...asked } = objectOf(body["properties"]);
  const password = textOf(administratorLoginPassword);
  const merged = merge(existing?.properties ?? defaults(change, tenantId), withoutEmpty(asked));
  const network = objectOf(merged["network"]);
  const properties: JsonObject = {
    ...merged,
    authConfig: { ...authConfigOf(merged), tenantId },
    network: { ...network, publicNetworkAccess: textOf(network["publicNetworkAccess"]) || "Enabled" },
    provisioningState: "Succeeded",
  };
  const version = textOf(properties["version"]);
  if (!versions.includes(version))
    throw postgresFault("invalidParameter", { name: "version", why: `Use one of ${versions.join(", ")}.` });
  const login = textOf(properties["administratorLogin"]);
  if (existing === undefined) {
    if (authConfigOf(properties).passwordAuth === "Enabled") {
      if (login === "") throw postgresFault("missingParameter", { name: "AdministratorLogin" });
      if (password === "") throw postgresFault("missingParameter", { name: "AdministratorLoginPassword" });
    }
  } else {
    if (textOf(existing.properties["administratorLogin"]) !== "" && login !== existing.properties["administratorLogin"])
      throw postgresFault("invalidParameter", { name: "administratorLogin", why: "It cannot be changed." });
    if (version !== existing.properties["version"])
      throw postgresFault("invalidParameter", { name: "version", why: "Lanyard does not upgrade servers." });
  }
  if (login !== "") checkLogin(login);
  if (password !== "") {
    if (login === "") throw postgresFault("missingParameter", { name: "AdministratorLogin" });
    checkPassword(password, login);
  }
  const sku = { ...(existing?.sku ?? { name: "Standard_D2ds_v4", tier: "GeneralPurpose" }), ...objectOf(body["sku"]) };
  const secrets = { pending: true, ...(password === "" ? {} : { administratorLoginPassword: password }) };
  return { sku, properties, secrets };
};
