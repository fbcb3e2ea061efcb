import type { SecretCaller } from "../../../kernel/caller.ts";
import type { Resolved } from "../../../kernel/service.ts";
import { storageFault } from "../faults.ts";
import { type Account, type BlobTarget } from "../target.ts";
import { delegationKeyValue } from "./delegation-key.ts";
import { addressMatches } from "./sas-address.ts";
import { accountSasText, canonicalName, type SasFields, serviceSasText, userDelegationSasText } from "./sas-text.ts";
import { signatureHolds, signedQuery } from "./signature.ts";
import type { StoredPolicy } from "../engine/records.ts";

/** What a shared access signature grants, once it has been verified. */
export interface SasGrant {
  readonly kind: "account" | "service" | "user-delegation";
  /** Letters of `sp`, the stored policy's included. */
  readonly permissions: string;
  /** Letters of `srt`. */
  readonly resourceTypes?: string;
  /** `sr`. */
  readonly resource?: string;
  /** Object id whose roles bound the grant. */
  readonly delegator?: string;
  readonly tenant?: string;
  /** Response headers that it sets. */
  readonly overrides: Readonly<Record<string, string>>;
}

const overrides = {
  rscc: "cache-control",
  rscd: "content-disposition",
  rsce: "content-encoding",
  rscl: "content-language",
  rsct: "content-type",
} as const;

const failed = (detail: string): Error =>
  storageFault("authenticationFailed", {}, { detail: { AuthenticationErrorDetail: detail } });

/**
 * The authenticator of `sig=`: account, service and user delegation SAS (storage.md 4.3 to 4.5). What it grants is decided
 * by the SAS decider.
 * @throws Fault 403
 */
export const sharedAccess = async (
  exchange: Resolved<BlobTarget>,
  policiesOf: (target: BlobTarget) => Promise<readonly StoredPolicy[]>,
): Promise<SecretCaller | undefined> => {
  const { request, target } = exchange;
  if (!request.rawQuery.includes("sig=")) return undefined;
  const query = signedQuery(request.rawQuery);
  const signature = query.get("sig")?.[0];
  if (signature === undefined) return undefined;
  for (const name of signedNames)
    if ((query.get(name)?.length ?? 0) > 1) throw failed(`${name} is given more than once.`);
  const fields: SasFields = (name) => query.get(name)?.[0] ?? "";
  if (query.has("ss") || query.has("srt")) return accountSas(exchange, fields, signature);
  if (!/^\d{4}-\d{2}-\d{2}$/.test(fields("sv")) && fields("sv") !== "")
    throw failed("sv is not in the correct format.");
  return query.has("skoid")
    ? delegationSas(exchange, fields, signature)
    : serviceSas(exchange, fields, signature, await policiesOf(target));
};

const signedNames = [
  "sv",
  "sr",
  "sp",
  "st",
  "se",
  "si",
  "sip",
  "spr",
  "ss",
  "srt",
  "ses",
  "skoid",
  "sktid",
  "skt",
  "ske",
  "sks",
  "skv",
  "sig",
];

const accountSas = (exchange: Resolved<BlobTarget>, fields: SasFields, signature: string): SecretCaller => {
  const { account } = exchange.target;
  for (const name of ["sv", "ss", "srt", "sp", "se"])
    if (fields(name) === "") throw failed(`${name} is mandatory. Cannot be empty`);
  const text = accountSasText(account.name, fields);
  const key = keyThatSigned(account, text, signature);
  if (!account.sharedKey) throw storageFault("keysNotPermitted");
  checkTimes(exchange, fields("st"), fields("se"));
  checkOrigin(exchange, fields);
  if (!fields("ss").includes("b")) throw storageFault("serviceMismatch");
  return caller("AccountSAS", key, {
    kind: "account",
    permissions: fields("sp"),
    resourceTypes: fields("srt"),
    overrides: {},
  });
};

const serviceSas = (
  exchange: Resolved<BlobTarget>,
  fields: SasFields,
  signature: string,
  policies: readonly StoredPolicy[],
): SecretCaller => {
  const { account } = exchange.target;
  const key = keyThatSigned(account, serviceSasText(scoped(exchange, fields)), signature);
  if (!account.sharedKey) throw storageFault("keysNotPermitted");
  const named = fields("si");
  const policy = named === "" ? undefined : policies.find(({ id }) => id === named);
  if (named !== "" && policy === undefined) throw failed("The stored access policy does not exist.");
  const one = (name: string, stored: string | undefined): string => {
    const own = fields(name);
    if (own !== "" && stored !== undefined && stored !== "")
      throw failed(`${name} is given both in the signature and in the stored access policy.`);
    return own === "" ? (stored ?? "") : own;
  };
  const permissions = one("sp", policy?.permission);
  const expiry = one("se", policy?.expiry);
  if (permissions === "" || expiry === "") throw failed("sp and se are mandatory. Cannot be empty");
  checkTimes(exchange, one("st", policy?.start), expiry);
  checkOrigin(exchange, fields);
  return caller("ServiceSAS", key, {
    kind: "service",
    permissions,
    resource: fields("sr"),
    overrides: overridesOf(fields),
  });
};

const delegationSas = (exchange: Resolved<BlobTarget>, fields: SasFields, signature: string): SecretCaller => {
  const { account } = exchange.target;
  for (const name of ["sv", "sr", "sp", "se", "sktid", "skt", "ske", "sks", "skv"])
    if (fields(name) === "") throw failed(`${name} is mandatory. Cannot be empty`);
  if (fields("si") !== "") throw failed("A user delegation SAS cannot name a stored access policy.");
  // Bound agents and users (storage.md 4.5) are checks of their own: without them such a SAS must grant nothing.
  for (const name of ["saoid", "suoid", "sduoid", "srh", "srq"])
    if (fields(name) !== "") throw failed(`${name} is not supported.`);
  const value = delegationKeyValue(account, {
    oid: fields("skoid"),
    tid: fields("sktid"),
    start: fields("skt"),
    expiry: fields("ske"),
    service: fields("sks"),
    version: fields("skv"),
    ...(fields("skdutid") === "" ? {} : { delegatedTid: fields("skdutid") }),
  });
  const text = userDelegationSasText(scoped(exchange, fields));
  if (text === undefined || fields("sks") !== "b" || !signatureHolds(Buffer.from(value, "base64"), text, signature))
    throw failed("Signature did not match.");
  checkTimes(exchange, fields("skt"), fields("ske"));
  checkTimes(exchange, fields("st"), fields("se"));
  checkOrigin(exchange, fields);
  return caller("UserDelegationSAS", fields("skoid"), {
    kind: "user-delegation",
    permissions: fields("sp"),
    resource: fields("sr"),
    delegator: fields("skoid"),
    tenant: fields("sktid"),
    overrides: overridesOf(fields),
  });
};

const caller = (scheme: string, name: string, grant: SasGrant): SecretCaller => ({
  kind: "secret",
  scheme,
  name,
  grant: { sas: grant },
});

const keyThatSigned = (account: Account, text: string, signature: string): string => {
  for (const key of ["key1", "key2"] as const)
    if (signatureHolds(account[key], text, signature)) return `${account.name}/${key}`;
  throw failed("Signature did not match.");
};

/** Adds the members that are no query parameters: what is addressed, and which snapshot. */
const scoped = ({ target }: Resolved<BlobTarget>, fields: SasFields): SasFields => {
  const resource = fields("sr");
  if (!addressMatches(resource, target)) throw failed(`sr=${resource.slice(0, 8)} does not cover the resource.`);
  if (fields("ses") !== "" && fields("sv") < "2020-12-06") throw failed("ses needs sv 2020-12-06 or later.");
  const blob = resource === "c" ? undefined : target.blob;
  const canon = canonicalName(fields("sv"), target.account.name, target.container ?? "", blob);
  const snapshot = resource === "bs" || resource === "bv" ? (target.snapshot ?? "") : "";
  return (name) => {
    if (name === "canon") return canon;
    if (name === "snap") return snapshot;
    return name === "bound headers" || name === "bound query" ? "" : fields(name);
  };
};

/** Values go out as headers: as UTF-8, and without control characters. */
const overridesOf = (fields: SasFields): Record<string, string> => {
  const found: Record<string, string> = {};
  for (const [name, header] of Object.entries(overrides)) {
    const value = fields(name);
    if (value === "") continue;
    if (/\p{Cc}/u.test(value)) throw failed(`${name} holds control characters.`);
    found[header] = Buffer.from(value, "utf8").toString("latin1");
  }
  return found;
};

const sasTime = (text: string): number => {
  const form = /^(\d{4}-\d{2}-\d{2})(T\d{2}:\d{2}(:\d{2}(\.\d{1,7})?)?Z?)?$/.exec(text);
  if (form === null) return Number.NaN;
  const [, day = "", time = ""] = form;
  return Date.parse(time === "" ? `${day}T00:00Z` : `${day}${time.replace(/(\.\d{3})\d+/, "$1").replace(/Z?$/, "Z")}`);
};

const checkTimes = ({ clock }: Resolved<BlobTarget>, start: string, expiry: string): void => {
  const now = clock.now();
  const begins = start === "" ? Number.NEGATIVE_INFINITY : sasTime(start);
  const ends = sasTime(expiry);
  // NaN compares false: a time that cannot be read never holds.
  if (begins <= now && now < ends) return;
  const current = new Date(now).toUTCString();
  throw failed(
    `Signature not valid in the specified time frame: Start [${start}] - Expiry [${expiry}] - Current [${current}]`,
  );
};

const checkOrigin = ({ request }: Resolved<BlobTarget>, fields: SasFields): void => {
  const protocol = fields("spr");
  if (protocol !== "" && protocol !== "https" && protocol !== "https,http") throw failed("spr is not valid.");
  if (protocol === "https" && !request.secure) throw storageFault("protocolMismatch");
  const range = fields("sip");
  if (range === "") return;
  const ip = request.remoteAddress.replace(/^::ffff:/, "");
  const [from = "", to = from] = range.split("-");
  const [low, high, own] = [from, to, ip].map(addressNumber);
  if (low !== undefined && high !== undefined && own !== undefined && low <= own && own <= high) return;
  throw storageFault("sourceIpMismatch", { ip });
};

/** An IPv4 address as a number; undefined for anything else. */
const addressNumber = (text: string): number | undefined => {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256)) return undefined;
  return parts.reduce((sum, part) => sum * 256 + Number(part), 0);
};

/** The verified grant of a SAS caller. */
export const sasGrantOf = (caller: {
  readonly kind: string;
  readonly grant?: Readonly<Record<string, unknown>>;
}): SasGrant | undefined => (caller.kind === "secret" ? (caller.grant?.["sas"] as SasGrant | undefined) : undefined);
