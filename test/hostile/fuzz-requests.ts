/** Malformed requests: good ones with something bent, and ones put together from an endpoint's words and from noise. */
import * as fc from "fast-check";
import type { Shot, Target } from "./fuzz-world.ts";

const noise = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.string({ unit: "binary", maxLength: 16 }),
  fc.constantFrom(
    "%2F",
    "%00",
    "%ff",
    "%",
    "..",
    "//",
    "'",
    '"',
    "{",
    "[",
    "\u0000",
    "__proto__",
    "constructor",
    "x".repeat(5000),
    "-1",
    "1e999",
    "null",
    "\ud800",
    "9".repeat(400),
  ),
);
const printable = (text: string): string => text.replaceAll(/[^\x20-\x7e]/g, "?");
/** Node's client refuses to send some characters at all; those go as their escapes. */
const sendable = (path: string): string => {
  const clean = path.replaceAll(/[^\x21-\x7e]/g, (each) => {
    try {
      return encodeURIComponent(each);
    } catch {
      return "%EF%BF%BD";
    }
  });
  return clean.startsWith("/") ? clean : `/${clean}`;
};

const methods = ["GET", "PUT", "POST", "PATCH", "DELETE", "HEAD", "OPTIONS"];
const headerNames = [
  "authorization",
  "content-type",
  "metadata",
  "x-identity-header",
  "secret",
  "x-forwarded-for",
  "accept",
  "x-ms-client-request-id",
  "client-request-id",
  "origin",
  "if-match",
];

/** A good request with one to three things bent. */
export const bent = (target: Target): fc.Arbitrary<Shot> => {
  const at = fc.double({ min: 0, max: 1, noNaN: true });
  const bend = fc.oneof(
    fc.tuple(fc.constant("method" as const), fc.constantFrom(...methods), at),
    fc.tuple(fc.constantFrom("path" as const, "query" as const, "body" as const, "body" as const), noise, at),
    fc.tuple(fc.constantFrom("cut" as const, "double" as const, "drop" as const), noise, at),
    fc.tuple(fc.constant("header" as const), noise, at),
  );
  return fc
    .tuple(fc.constantFrom(...target.good), fc.array(bend, { minLength: 1, maxLength: 3 }))
    .map(([good, bends]) => {
      let shot = good;
      for (const [kind, text, place] of bends) shot = apply(target, shot, kind, text, place);
      return { ...shot, path: sendable(shot.path) };
    });
};

const insert = (text: string, what: string, place: number): string => {
  const index = Math.floor(place * text.length);
  return text.slice(0, index) + what + text.slice(index + Math.min(what.length, 3));
};

const apply = (target: Target, shot: Shot, kind: string, text: string, place: number): Shot => {
  const body = shot.body ?? "";
  const names = [...headerNames, ...(target.headers ?? [])];
  switch (kind) {
    case "method":
      return { ...shot, method: text };
    case "path":
      return { ...shot, path: insert(shot.path, text, place) };
    case "query":
      return { ...shot, path: `${shot.path}${shot.path.includes("?") ? "&" : "?"}${text}` };
    case "body":
      return { ...shot, body: insert(body, text, place) };
    case "cut":
      return { ...shot, body: body.slice(0, Math.floor(place * body.length)) };
    case "double":
      return { ...shot, body: body + body };
    case "drop":
      return {
        ...shot,
        headers: Object.fromEntries(Object.entries(shot.headers).filter((_, index) => index !== Math.floor(place * 2))),
      };
    default:
      return {
        ...shot,
        headers: {
          ...shot.headers,
          [names[Math.floor(place * names.length)] ?? "accept"]: printable(text).trim(),
        },
      };
  }
};

/** Put together from an endpoint's words and from noise. */
export const composed = (target: Target): fc.Arbitrary<Shot> =>
  fc
    .record({
      like: fc.constantFrom(...target.good),
      method: fc.constantFrom(...methods),
      segments: fc.array(
        fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...target.words) }, { weight: 1, arbitrary: noise }),
        { maxLength: 6 },
      ),
      parameters: fc.array(
        fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...target.parameters) }, { weight: 1, arbitrary: noise }),
        { maxLength: 4 },
      ),
      body: fc.oneof(fc.constant(undefined), fc.json(), noise),
      known: fc.boolean(),
      own: fc.integer({ min: 0, max: 2 }),
    })
    .map(({ like, method, segments, parameters, body, known, own }) => ({
      host: like.host,
      method,
      path: sendable(
        `${own === 0 ? "" : like.path.replace(/\?.*/, "")}/${segments.slice(0, own === 0 ? 6 : own - 1).join("/")}${parameters.length === 0 ? "" : `?${parameters.join("&")}`}`,
      ),
      headers: known ? like.headers : {},
      ...(body === undefined ? {} : { body }),
    }));
