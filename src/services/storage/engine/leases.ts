import { storageFault } from "../faults.ts";
import type { LeaseRecord } from "./records.ts";

/** Leases of blobs and containers (storage.md 6.2; table of https://learn.microsoft.com/rest/api/storageservices/lease-blob). */
export type LeaseState = "available" | "leased" | "breaking" | "broken" | "expired";

export const leaseState = (lease: LeaseRecord | undefined, now: number): LeaseState => {
  if (lease === undefined) return "available";
  if (lease.brokenAt !== undefined) return now < lease.brokenAt ? "breaking" : "broken";
  return lease.until === undefined || now < lease.until ? "leased" : "expired";
};

export const isLocked = (lease: LeaseRecord | undefined, now: number): boolean => {
  const state = leaseState(lease, now);
  return state === "leased" || state === "breaking";
};

/** `x-ms-lease-*` headers of reads. */
export const leaseHeaders = (lease: LeaseRecord | undefined, now: number): Record<string, string> => {
  const state = leaseState(lease, now);
  return {
    "x-ms-lease-status": state === "leased" || state === "breaking" ? "locked" : "unlocked",
    "x-ms-lease-state": state,
    ...(state === "leased" ? { "x-ms-lease-duration": lease?.duration === -1 ? "infinite" : "fixed" } : {}),
  };
};

const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

/** A write to a blob: the id is needed while it is leased. @throws Fault 412 */
export const checkBlobWrite = (lease: LeaseRecord | undefined, given: string | undefined, now: number): void => {
  const locked = isLocked(lease, now);
  if (given === undefined) {
    if (locked) throw storageFault("leaseMissing", { what: "blob" });
    return;
  }
  if (!locked || lease === undefined) throw storageFault("leaseNotPresentBlob");
  if (!same(lease.id, given)) throw storageFault("leaseMismatchBlob");
};

/** A read, or a container operation that a lease does not guard: an id that is given must hold. */
export const checkGiven = (
  lease: LeaseRecord | undefined,
  given: string | undefined,
  now: number,
  what: "blob" | "container",
): void => {
  if (given === undefined) return;
  if (!isLocked(lease, now) || lease === undefined)
    throw storageFault(what === "blob" ? "leaseNotPresentBlob" : "leaseNotPresentContainer");
  if (!same(lease.id, given)) throw storageFault(what === "blob" ? "leaseMismatchBlob" : "leaseMismatchContainer");
};

/** Delete Container. */
export const checkContainerDelete = (lease: LeaseRecord | undefined, given: string | undefined, now: number): void => {
  if (given === undefined && isLocked(lease, now)) throw storageFault("leaseMissing", { what: "container" });
  checkGiven(lease, given, now, "container");
};

/** What a write leaves of a lease: expired and broken ones are gone. */
export const afterWrite = (lease: LeaseRecord | undefined, now: number): LeaseRecord | undefined =>
  isLocked(lease, now) ? lease : undefined;

export type LeaseRequest =
  | { readonly action: "acquire"; readonly id: string; readonly duration: number }
  | { readonly action: "renew" | "release"; readonly id: string }
  | { readonly action: "change"; readonly id: string; readonly proposed: string }
  | { readonly action: "break"; readonly period: number | undefined };

export interface LeaseOutcome {
  readonly lease: LeaseRecord | undefined;
  /** Seconds until a broken lease has run out. */
  readonly remaining?: number;
}

const leased = (id: string, duration: number, now: number): LeaseRecord => ({
  id,
  duration,
  ...(duration === -1 ? {} : { until: now + duration * 1000 }),
});

/** One step of the state machine. @throws Fault 409 */
export const leaseStep = (
  lease: LeaseRecord | undefined,
  request: LeaseRequest,
  now: number,
  what: "blob" | "container",
): LeaseOutcome => {
  const state = leaseState(lease, now);
  switch (request.action) {
    case "acquire": {
      const own = lease !== undefined && same(lease.id, request.id);
      if (state === "breaking") throw storageFault(own ? "leaseIsBreakingAcquire" : "leaseAlreadyPresent");
      if (state === "leased" && !own) throw storageFault("leaseAlreadyPresent");
      return { lease: leased(request.id, request.duration, now) };
    }
    case "renew": {
      if (lease === undefined || !same(lease.id, request.id)) throw storageFault("leaseMismatchLease", { what });
      if (state === "breaking" || state === "broken") throw storageFault("leaseIsBrokenRenew");
      return { lease: leased(lease.id, lease.duration, now) };
    }
    case "release": {
      if (lease === undefined || !same(lease.id, request.id)) throw storageFault("leaseMismatchLease", { what });
      return { lease: undefined };
    }
    case "change": {
      if (lease === undefined || state === "broken" || state === "expired")
        throw storageFault("leaseNotPresentLease", { what });
      if (!same(lease.id, request.id) && !same(lease.id, request.proposed))
        throw storageFault("leaseMismatchLease", { what });
      if (state === "breaking") throw storageFault("leaseIsBreakingChange");
      return { lease: { ...lease, id: request.proposed } };
    }
    case "break":
      return broken(lease, state, request.period, now, what);
  }
};

const broken = (
  lease: LeaseRecord | undefined,
  state: LeaseState,
  period: number | undefined,
  now: number,
  what: "blob" | "container",
): LeaseOutcome => {
  if (lease === undefined) throw storageFault("leaseNotPresentLease", { what });
  if (state === "broken") return { lease, remaining: 0 };
  if (state === "expired") return { lease: { ...lease, brokenAt: now }, remaining: 0 };
  const end = state === "breaking" ? lease.brokenAt : lease.until;
  const rest = end === undefined ? undefined : Math.max(0, end - now);
  const asked = period === undefined ? undefined : period * 1000;
  const wait = rest === undefined ? (asked ?? 0) : Math.min(rest, asked ?? rest);
  return { lease: { ...lease, brokenAt: now + wait }, remaining: Math.ceil(wait / 1000) };
};
