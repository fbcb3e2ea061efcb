import type { SecretCaller } from "../../../kernel/caller.ts";
import type { Request } from "../../../kernel/message.ts";
import type { Resolved } from "../../../kernel/service.ts";
import { storageFault } from "../faults.ts";
import type { BlobTarget } from "../target.ts";
import { headerOrders } from "./header-orders.ts";
import { signatureHolds, signedQuery } from "./signature.ts";

const skewMilliseconds = 15 * 60 * 1000;

const failed = (detail: string): Error =>
  storageFault("authenticationFailed", {}, { detail: { AuthenticationErrorDetail: detail } });

/**
 * `Authorization: SharedKey account:signature`, and SharedKeyLite (storage.md 4.2).
 * @returns who holds the key; undefined when the header is of another scheme
 * @throws Fault 403 AuthenticationFailed, KeyBasedAuthenticationNotPermitted; 400 for a malformed header
 */
export const sharedKey = (exchange: Resolved<BlobTarget>): SecretCaller | undefined => {
  const { request, target, clock } = exchange;
  const header = /^(SharedKey|SharedKeyLite) +([^: ]+):(\S+)$/i.exec(request.header("authorization") ?? "");
  if (header === null) return undefined;
  const [, scheme = "", name = "", signature = ""] = header;
  const { account } = target;
  if (name.toLowerCase() !== account.name) throw failed("The account name is not that of the host.");
  checkDate(request, clock.wall());
  const texts =
    scheme.toLowerCase() === "sharedkey" ? sharedKeyTexts(request, account.name) : liteTexts(request, account.name);
  for (const text of texts)
    for (const key of ["key1", "key2"] as const)
      if (signatureHolds(account[key], text, signature)) {
        if (!account.sharedKey) throw storageFault("keysNotPermitted");
        return { kind: "secret", scheme: "SharedKey", name: `${account.name}/${key}`, grant: {} };
      }
  throw failed("The MAC signature found in the HTTP request is not the same as any computed signature.");
};

/** The client signed with its own clock, so the skew is one of wall clocks. */
const checkDate = (request: Request, wall: number): void => {
  const text = request.header("x-ms-date") ?? request.header("date");
  const date = Date.parse(text ?? "");
  if (Number.isNaN(date)) throw failed("The Date header in the request is incorrect.");
  if (Math.abs(wall - date) > skewMilliseconds) throw failed("Request date header too old.");
};

/** Every text that a known client may have signed. */
function* sharedKeyTexts(request: Request, account: string): Generator<string> {
  const value = (name: string): string => request.header(name) ?? "";
  const length = value("content-length");
  const language = value("content-language");
  const encoding = value("content-encoding");
  const common = [
    length === "0" ? "" : length,
    value("content-md5"),
    value("content-type"),
    request.header("x-ms-date") === undefined ? value("date") : "",
    value("if-modified-since"),
    value("if-match"),
    value("if-none-match"),
    value("if-unmodified-since"),
    value("range"),
  ].join("\n");
  const resource = canonicalResource(request, account);
  // The JavaScript client signs language before encoding.
  const openings =
    language === encoding
      ? [[encoding, language]]
      : [
          [encoding, language],
          [language, encoding],
        ];
  for (const headers of canonicalHeaders(request))
    for (const opening of openings) yield `${request.method}\n${opening.join("\n")}\n${common}\n${headers}${resource}`;
}

function* liteTexts(request: Request, account: string): Generator<string> {
  const value = (name: string): string => request.header(name) ?? "";
  const date = request.header("x-ms-date") === undefined ? value("date") : "";
  const comp = request.query.get("comp");
  const resource = `/${account}${request.rawPath}${comp === null ? "" : `?comp=${comp}`}`;
  for (const headers of canonicalHeaders(request))
    yield `${request.method}\n${value("content-md5")}\n${value("content-type")}\n${date}\n${headers}${resource}`;
}

/** In each known order; inner white space as the documentation folds it, and as the JavaScript client leaves it. */
function* canonicalHeaders(request: Request): Generator<string> {
  const values = new Map<string, string>();
  for (const [name, value] of request.rawHeaders) {
    const key = name.toLowerCase();
    if (!key.startsWith("x-ms-")) continue;
    const kept = values.get(key);
    values.set(key, kept === undefined ? value.trim() : `${kept},${value.trim()}`);
  }
  const seen = new Set<string>();
  for (const order of headerOrders) {
    const names = [...values.keys()].toSorted(order);
    const text = names.map((name) => `${name}:${values.get(name) ?? ""}\n`).join("");
    for (const candidate of [text, text.replaceAll(/[^\S\n]+/g, " ")]) {
      if (seen.has(candidate)) continue;
      seen.add(candidate);
      yield candidate;
    }
  }
}

const canonicalResource = (request: Request, account: string): string => {
  let text = `/${account}${request.rawPath}`;
  if (request.rawQuery === "") return text;
  const query = signedQuery(request.rawQuery);
  for (const name of [...query.keys()].toSorted()) text += `\n${name}:${(query.get(name) ?? []).toSorted().join(",")}`;
  return text;
};
