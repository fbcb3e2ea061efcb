/** Cross-origin rules of the blob service (storage.md 6.8). */
import type { Request } from "../../kernel/message.ts";
import type { CorsRule } from "./service-properties.ts";

/** Origins are exact, `*`, or hold a wildcard for subdomains (`https://*.contoso.com`). */
const originMatches = (rule: string, origin: string): boolean => {
  if (rule === "*" || rule.toLowerCase() === origin.toLowerCase()) return true;
  const star = rule.indexOf("*");
  if (star < 0) return false;
  const [head, tail] = [rule.slice(0, star).toLowerCase(), rule.slice(star + 1).toLowerCase()];
  const own = origin.toLowerCase();
  return own.length >= head.length + tail.length && own.startsWith(head) && own.endsWith(tail);
};

/** Header lists allow a `*` at an entry's end. */
const headerMatches = (rules: readonly string[], name: string): boolean =>
  rules.some((rule) =>
    rule.endsWith("*")
      ? name.toLowerCase().startsWith(rule.slice(0, -1).toLowerCase())
      : rule.toLowerCase() === name.toLowerCase(),
  );

const ruleFor = (rules: readonly CorsRule[], origin: string, method: string): CorsRule | undefined =>
  rules.find(
    (rule) =>
      rule.origins.some((each) => originMatches(each, origin)) &&
      rule.methods.some((each) => each.toUpperCase() === method.toUpperCase()),
  );

/** Headers of the answer to a preflight; undefined when no rule allows it. */
export const preflightHeaders = (
  rules: readonly CorsRule[],
  asked: { readonly origin: string; readonly method: string; readonly headers: readonly string[] },
): Record<string, string> | undefined => {
  const rule = ruleFor(rules, asked.origin, asked.method);
  if (rule === undefined || !asked.headers.every((name) => headerMatches(rule.allowedHeaders, name))) return undefined;
  return {
    "access-control-allow-origin": rule.origins.includes("*") ? "*" : asked.origin,
    "access-control-allow-methods": asked.method,
    ...(asked.headers.length === 0 ? {} : { "access-control-allow-headers": asked.headers.join(",") }),
    "access-control-max-age": String(rule.maxAge),
    ...(rule.origins.includes("*") ? {} : { "access-control-allow-credentials": "true", vary: "Origin" }),
  };
};

/** What Blob answers may carry besides metadata, for exposed headers with a wildcard. */
const answerHeaders = (
  "content-length content-md5 content-range content-type etag last-modified x-ms-access-tier x-ms-blob-content-md5 " +
  "x-ms-blob-type x-ms-client-request-id x-ms-content-crc64 x-ms-copy-id x-ms-copy-progress x-ms-copy-source " +
  "x-ms-copy-status x-ms-creation-time x-ms-error-code x-ms-lease-duration x-ms-lease-state x-ms-lease-status " +
  "x-ms-request-id x-ms-request-server-encrypted x-ms-server-encrypted x-ms-snapshot x-ms-tag-count x-ms-version"
).split(" ");

/** Headers of an actual answer, errors included. */
export const corsHeaders = (rules: readonly CorsRule[], request: Request): Record<string, string> => {
  const origin = request.header("origin");
  if (origin === undefined || rules.length === 0 || request.method === "OPTIONS") return {};
  const rule = ruleFor(rules, origin, request.method);
  if (rule === undefined) return { vary: "Origin" };
  const literal = rule.exposedHeaders.filter((each) => !each.endsWith("*"));
  const exposed = new Set([...answerHeaders.filter((name) => headerMatches(rule.exposedHeaders, name)), ...literal]);
  return {
    "access-control-allow-origin": rule.origins.includes("*") ? "*" : origin,
    ...(rule.origins.includes("*") ? {} : { "access-control-allow-credentials": "true", vary: "Origin" }),
    ...(exposed.size === 0 ? {} : { "access-control-expose-headers": [...exposed].join(",") }),
  };
};
