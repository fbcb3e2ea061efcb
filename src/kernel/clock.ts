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

/** How tenant time stands to its base, milliseconds. Frozen: it stands still at `frozenAt`, and `offset` waits. */
export interface ClockSetting {
  readonly offset: number;
  readonly frozenAt?: number;
}

export const unchanged: ClockSetting = { offset: 0 };

/** What can be done to a tenant's clock. Times are milliseconds since the epoch, durations milliseconds. */
export type ClockChange =
  | { readonly kind: "advance"; readonly by: number }
  | { readonly kind: "set"; readonly to: number }
  | { readonly kind: "freeze" }
  | { readonly kind: "resume" }
  | { readonly kind: "reset" };

/** Tenant time under a setting, when the base says `base`. */
export const tenantTime = (setting: ClockSetting, base: number): number => setting.frozenAt ?? base + setting.offset;

/** The setting after a change, when the base says `base`. A frozen clock stays frozen until `resume` or `reset`. */
export const changedClock = (setting: ClockSetting, change: ClockChange, base: number): ClockSetting => {
  const now = tenantTime(setting, base);
  const at = (time: number): ClockSetting =>
    setting.frozenAt === undefined ? { offset: time - base } : { ...setting, frozenAt: time };
  switch (change.kind) {
    case "advance":
      return at(now + change.by);
    case "set":
      return at(change.to);
    case "freeze":
      return { offset: setting.offset, frozenAt: now };
    case "resume":
      return { offset: now - base };
    case "reset":
      return unchanged;
  }
};
