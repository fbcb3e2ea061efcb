import type { Request } from "../../../kernel/message.ts";
import { storageFault } from "../faults.ts";
import { type TagExpression, parseTagExpression, tagsMatch } from "./tag-expression.ts";
import type { Tags } from "./records.ts";

/** Conditional headers, read (storage.md 6.1). Dates in ms, etags without quotes; `*` stays. */
export interface Conditions {
  readonly match: readonly string[] | undefined;
  readonly noneMatch: readonly string[] | undefined;
  readonly modifiedSince: number | undefined;
  readonly unmodifiedSince: number | undefined;
  readonly tags: TagExpression | undefined;
}

const names = {
  target: ["if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "x-ms-if-tags"],
  source: [
    "x-ms-source-if-match",
    "x-ms-source-if-none-match",
    "x-ms-source-if-modified-since",
    "x-ms-source-if-unmodified-since",
    "x-ms-source-if-tags",
  ],
} as const;

const etags = (value: string | undefined): readonly string[] | undefined =>
  value === undefined || value === ""
    ? undefined
    : value
        .split(",")
        .map((each) => each.trim().replace(/^W\//, "").replaceAll('"', ""))
        .filter((each) => each !== "");

const time = (value: string | undefined, header: string): number | undefined => {
  if (value === undefined || value === "") return undefined;
  const parsed = Date.parse(value);
  if (Number.isNaN(parsed))
    throw storageFault("invalidHeader", {}, { detail: { HeaderName: header, HeaderValue: value } });
  return parsed;
};

/** Undefined: the request carries none. @throws Fault InvalidHeaderValue */
export const conditionsOf = (request: Request, of: "target" | "source" = "target"): Conditions | undefined => {
  if (names[of].every((name) => request.header(name) === undefined)) return undefined;
  const [match, noneMatch, modified, unmodified, tags] = names[of];
  const read = {
    match: etags(request.header(match)),
    noneMatch: etags(request.header(noneMatch)),
    modifiedSince: time(request.header(modified), modified),
    unmodifiedSince: time(request.header(unmodified), unmodified),
    tags: parseTagExpression(request.header(tags), 10),
  };
  return Object.values(read).every((value) => value === undefined) ? undefined : read;
};

/** What conditions are about. */
export interface Conditioned {
  readonly etag: string;
  readonly modified: number;
  readonly tags?: Tags;
}

const has = (list: readonly string[], etag: string): boolean => list.includes("*") || list.includes(etag);
const seconds = (ms: number): number => Math.floor(ms / 1000);

/** Reads: 412 for match and unmodified, 304 for none-match and modified. @throws Fault */
export const checkRead = (conditions: Conditions | undefined, current: Conditioned | undefined): void => {
  if (conditions === undefined) return;
  const { match, noneMatch, modifiedSince, unmodifiedSince, tags } = conditions;
  if (noneMatch?.includes("*") === true) throw storageFault("unsatisfiableCondition");
  if (current === undefined) {
    if (match !== undefined) throw storageFault("conditionNotMet");
    return;
  }
  if (match !== undefined && !has(match, current.etag)) throw storageFault("conditionNotMet");
  if (unmodifiedSince !== undefined && seconds(current.modified) > seconds(unmodifiedSince))
    throw storageFault("conditionNotMet");
  if (tags !== undefined && !tagsMatch(tags, current.tags ?? {})) throw storageFault("conditionNotMet");
  const changed = noneMatch === undefined ? undefined : !has(noneMatch, current.etag);
  const later = modifiedSince === undefined ? undefined : seconds(current.modified) > seconds(modifiedSince);
  // Either one passing is enough (storage.md 6.1).
  if ((changed ?? later) !== undefined && !(changed ?? false) && !(later ?? false)) throw storageFault("notModified");
};

/**
 * Writes. `If-None-Match: *` is not decided here: on an existing blob it is a 409 of the operations that create.
 * @param failure how the refusal is worded; sources of copies have their own
 */
export const checkWrite = (
  conditions: Conditions | undefined,
  current: Conditioned | undefined,
  failure: "conditionNotMet" | "sourceConditionNotMet" = "conditionNotMet",
): void => {
  if (conditions === undefined) return;
  const { match, noneMatch, modifiedSince, unmodifiedSince, tags } = conditions;
  const given = [match, noneMatch, modifiedSince, unmodifiedSince].filter((each) => each !== undefined).length;
  const pair =
    (noneMatch !== undefined && modifiedSince !== undefined) || (match !== undefined && unmodifiedSince !== undefined);
  if (given > 2 || (given === 2 && !pair) || (match?.length ?? 0) > 1 || (noneMatch?.length ?? 0) > 1)
    throw storageFault("multipleConditions");
  const failed = storageFault(failure);
  if (current === undefined) {
    if (match !== undefined) throw failed;
    return;
  }
  if (match !== undefined) {
    if (!has(match, current.etag)) throw failed;
  } else if (noneMatch !== undefined) {
    if (!noneMatch.includes("*") && noneMatch.includes(current.etag)) throw failed;
  } else if (modifiedSince !== undefined) {
    if (seconds(current.modified) <= seconds(modifiedSince)) throw failed;
  } else if (unmodifiedSince !== undefined && seconds(current.modified) > seconds(unmodifiedSince)) throw failed;
  if (tags !== undefined && !tagsMatch(tags, current.tags ?? {})) throw failed;
};

/** `If-None-Match: *` was sent: only a new blob will do. */
export const onlyNew = (conditions: Conditions | undefined): boolean => conditions?.noneMatch?.includes("*") === true;
