import { isObject, type JsonObject, objectOf, textOf } from "../../arm/record.ts";
import { textIn } from "./attributes.ts";
import { vaultFault } from "./faults.ts";
import { familyOf, type KeyWish, readWish } from "./key-material.ts";
import { listOf } from "./vault.ts";

export const pkcs12Type = "application/x-pkcs12";
export const pemType = "application/x-pem-file";

const usages = [
  "digitalSignature",
  "nonRepudiation",
  "keyEncipherment",
  "dataEncipherment",
  "keyAgreement",
  "keyCertSign",
  "cRLSign",
  "encipherOnly",
  "decipherOnly",
] as const;
export type Usage = (typeof usages)[number];

/** A policy as it is kept: complete, in the service's own spelling. */
export interface Policy {
  readonly wish: KeyWish;
  readonly exportable: boolean;
  readonly contentType: typeof pkcs12Type | typeof pemType;
  readonly subject: string;
  readonly dnsNames: readonly string[];
  readonly emails: readonly string[];
  readonly ekus: readonly string[];
  readonly usages: readonly Usage[];
  readonly months: number;
  readonly issuer: string;
  readonly shown: JsonObject;
}

const texts = (value: unknown, name: string): readonly string[] =>
  listOf(value ?? []).map((each) => {
    if (typeof each !== "string" || each === "" || each.length > 255)
      throw vaultFault("invalid", { name, why: "It takes texts of up to 255 characters." });
    return each;
  });

const serverAndClient = ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"];

/** Reads a policy over what stood before. @throws Fault 400 */
export const readPolicy = (asked: unknown, before: JsonObject = {}): Policy => {
  if (asked !== undefined && asked !== null && !isObject(asked))
    throw vaultFault("invalid", { name: "policy", why: "It must be an object." });
  const part = (name: string): JsonObject => ({
    ...objectOf(before[name]),
    ...Object.fromEntries(Object.entries(objectOf(objectOf(asked)[name])).filter(([, value]) => value !== null)),
  });
  const [key, secret, x509, issuer] = [part("key_props"), part("secret_props"), part("x509_props"), part("issuer")];
  const wish = readWish({ ...key, kty: key["kty"] ?? "RSA" });
  const family = familyOf(wish.type);
  if (family === "oct" || (family === "EC" && wish.curve === "P-256K"))
    throw vaultFault("invalid", {
      name: "policy.key_props",
      why: "Certificates take RSA keys, and EC keys of the NIST curves.",
    });
  const contentType = textOf(secret["contentType"] ?? pkcs12Type);
  if (contentType !== pkcs12Type && contentType !== pemType)
    throw vaultFault("invalid", {
      name: "policy.secret_props.contentType",
      why: `It must be ${pkcs12Type} or ${pemType}.`,
    });
  const subject = textIn(x509, "subject", 600) ?? "";
  const sans = objectOf(x509["sans"]);
  const named = texts(x509["key_usage"], "policy.x509_props.key_usage");
  const chosen = named.map((each) => usages.find((usage) => usage === each));
  if (chosen.includes(undefined))
    throw vaultFault("invalid", { name: "policy.x509_props.key_usage", why: `It takes ${usages.join(", ")}.` });
  const months = x509["validity_months"] ?? 12;
  if (typeof months !== "number" || !Number.isInteger(months) || months < 1 || months > 1200)
    throw vaultFault("invalid", {
      name: "policy.x509_props.validity_months",
      why: "It must be a number from 1 to 1200.",
    });
  const ekus = texts(x509["ekus"] ?? serverAndClient, "policy.x509_props.ekus");
  if (ekus.some((each) => !/^[0-2](\.\d{1,9}){1,30}$/.test(each)))
    throw vaultFault("invalid", { name: "policy.x509_props.ekus", why: "It takes object identifiers." });
  const wanted: readonly Usage[] =
    named.length > 0
      ? chosen.filter((usage) => usage !== undefined)
      : family === "EC"
        ? ["digitalSignature"]
        : ["digitalSignature", "keyEncipherment"];
  const exportable = key["exportable"] !== false;
  return {
    wish,
    exportable,
    contentType,
    subject,
    dnsNames: texts(sans["dns_names"], "policy.x509_props.sans.dns_names"),
    emails: texts(sans["emails"], "policy.x509_props.sans.emails"),
    ekus,
    usages: wanted,
    months,
    issuer: textIn(issuer, "name", 127) ?? "",
    shown: {
      key_props: {
        exportable,
        kty: wish.type,
        ...(family === "EC" ? { crv: wish.curve } : { key_size: wish.size ?? 2048 }),
        reuse_key: key["reuse_key"] === true,
      },
      secret_props: { contentType },
      x509_props: {
        subject,
        ...(x509["sans"] === undefined ? {} : { sans }),
        ekus,
        key_usage: wanted,
        validity_months: months,
        basic_constraints: { ca: false },
      },
      lifetime_actions: listOf(
        objectOf(asked)["lifetime_actions"] ??
          before["lifetime_actions"] ?? [
            { trigger: { lifetime_percentage: 80 }, action: { action_type: "AutoRenew" } },
          ],
      ),
      issuer: { ...issuer, name: textOf(issuer["name"]) },
    },
  };
};
