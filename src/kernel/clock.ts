/**
 * The two clocks of a tenant. Services never read `Date` themselves: they are handed a clock.
 * The tenant clock can be advanced or frozen; the wall clock rules what clients date themselves.
 */
export interface Clock {
  /** Tenant time in milliseconds since the epoch. Rules tokens, leases, soft delete, Last-Modified. */
  now(): number;
  /** Real time in milliseconds since the epoch. Rules SharedKey skew, timeouts and client-made dates. */
  wall(): number;
}

/** Tenant time in whole seconds, as JWT claims want it. */
export const epochSeconds = (clock: Clock): number => Math.floor(clock.now() / 1000);

/** A clock that follows the machine's. */
export const systemClock: Clock = { now: () => Date.now(), wall: () => Date.now() };
