/** Continuation tokens: opaque text below 1 KB that says where a page ended, bound to container and query. */
import { createHash } from "node:crypto";
import { cosmosFault } from "../faults.ts";
import { isObject } from "./definition.ts";
import type { Json } from "./records.ts";

/** The end of a page of results that come in feed order. */
export interface FeedMark {
  readonly epk: string;
  readonly order: number;
  /** Results of the next document already handed out. */
  readonly skip: number;
  /** Results so far, those that OFFSET left out included. */
  readonly passed: number;
}

/** The end of a page of a result that had to be sorted or grouped. */
export interface ResultMark {
  /** How much of it was handed out. */
  readonly offset: number;
  /** Names the kept result, if it is still kept. */
  readonly kept: string;
  readonly passed: number;
  /** The last document's place in the order, when that is short and of one path: there the result can begin anew. */
  readonly place?: { readonly by: Json; readonly epk: string; readonly order: number };
}

export type Mark = FeedMark | ResultMark;

export const isFeedMark = (mark: Mark): mark is FeedMark => "epk" in mark;

const version = 2;

/** No letter of base64: Python takes what decodes to an object with a version for a token of its own. */
const sign = "~";

/** Short name of what a token is for. */
export const fingerprint = (...parts: readonly unknown[]): string =>
  createHash("sha256").update(JSON.stringify(parts)).digest("base64url").slice(0, 12);

export const writeToken = (purpose: string, mark: Mark): string =>
  sign + Buffer.from(JSON.stringify({ v: version, p: purpose, ...mark })).toString("base64url");

/** @throws 400 for a token that is damaged, or of another container, query or version */
export const readToken = (purpose: string, token: string): Mark => {
  let read: unknown;
  try {
    if (token.startsWith(sign)) read = JSON.parse(Buffer.from(token.slice(1), "base64url").toString("utf8"));
  } catch {
    read = undefined;
  }
  if (!isObject(read) || read["v"] !== version || read["p"] !== purpose) throw cosmosFault("invalidContinuation");
  const { epk, order, skip, offset, kept, passed, place } = read;
  if (!isWhole(passed, 0)) throw cosmosFault("invalidContinuation");
  if (typeof epk === "string" && isWhole(order, -1) && isWhole(skip, 0)) return { epk, order, skip, passed };
  if (!isWhole(offset, 0) || typeof kept !== "string") throw cosmosFault("invalidContinuation");
  if (place === undefined) return { offset, kept, passed };
  if (!isObject(place) || typeof place["epk"] !== "string" || !isWhole(place["order"], -1) || place["by"] === undefined)
    throw cosmosFault("invalidContinuation");
  return { offset, kept, passed, place: { by: place["by"], epk: place["epk"], order: place["order"] } };
};

const isWhole = (value: unknown, least: number): value is number =>
  Number.isSafeInteger(value) && Number(value) >= least;
