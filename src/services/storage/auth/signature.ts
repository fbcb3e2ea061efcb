import { createHmac, timingSafeEqual } from "node:crypto";

export const sign = (key: Buffer, text: string): string =>
  createHmac("sha256", key).update(text, "utf8").digest("base64");

/** Compares a presented signature (base64) with the right one, in constant time. */
export const signatureHolds = (key: Buffer, text: string, presented: string): boolean => {
  // An account without keys signs nothing.
  if (key.length === 0) return false;
  const right = createHmac("sha256", key).update(text, "utf8").digest();
  const given = Buffer.from(presented, "base64");
  return given.length === right.length && timingSafeEqual(given, right);
};

/** A query as clients sign it: names in lower case, values percent-decoded once; `+` is no space. */
export const signedQuery = (rawQuery: string): Map<string, string[]> => {
  const found = new Map<string, string[]>();
  for (const pair of rawQuery.split("&")) {
    if (pair === "") continue;
    const at = pair.indexOf("=");
    const name = decode(at < 0 ? pair : pair.slice(0, at)).toLowerCase();
    const values = found.get(name) ?? [];
    values.push(at < 0 ? "" : decode(pair.slice(at + 1)));
    found.set(name, values);
  }
  return found;
};

export const decode = (text: string): string => {
  if (!text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};
