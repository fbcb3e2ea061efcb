/** The tenant's clock over Lanyard's own API: what can be asked of it, how that is written, and how it is shown. */
import type { ClockChange } from "../kernel/clock.ts";
import type { TenantClock } from "../tenant-clock.ts";
import { Problem } from "./problem.ts";

export interface ClockView {
  /** Tenant time, ISO 8601. */
  readonly now: string;
  /** The machine's time. */
  readonly wall: string;
  /** Tenant time less the machine's, milliseconds. */
  readonly offset: number;
  readonly frozen: boolean;
}

export const clockView = (clock: TenantClock): ClockView => {
  const [now, wall] = [clock.now(), clock.wall()];
  return {
    now: new Date(now).toISOString(),
    wall: new Date(wall).toISOString(),
    offset: now - wall,
    frozen: clock.setting.frozenAt !== undefined,
  };
};

/** For whoever wonders why tokens are dated so strangely. */
export const clockWarnings = (clock: TenantClock): readonly string[] => {
  const { now, offset, frozen } = clockView(clock);
  if (frozen) return [`the tenant's clock stands still at ${now}; \`lanyard clock reset\` lets it run`];
  if (Math.abs(offset) < 1000) return [];
  return [`the tenant's clock was moved: it says ${now}; \`lanyard clock reset\` ends that`];
};

/** Dates beyond these would leave the four-digit years that Azure's formats have room for, lifetimes included. */
const earliest = Date.UTC(2000, 0, 1);
const latest = Date.UTC(2100, 0, 1);

const unusable = (what: string): Problem =>
  new Problem({
    code: "clock",
    what,
    help: ["lanyard clock advance 25h (units: ms, s, m, h, d)", "lanyard clock set 2030-01-31T12:00:00Z"],
  });

/** Makes a change. @throws Problem `clock` when it would leave the years 2000 to 2099 */
export const changeClock = async (clock: TenantClock, change: ClockChange): Promise<ClockView> => {
  const target = change.kind === "advance" ? clock.now() + change.by : change.kind === "set" ? change.to : clock.now();
  if (!(target >= earliest && target < latest))
    throw unusable("The tenant's clock can be set to times from 2000 to 2099.");
  await clock.change(change);
  return clockView(clock);
};

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `25h`, `1d12h`, `90s` in milliseconds. @throws Problem `clock` */
export const durationOf = (text: string): number => {
  const parts = [...text.matchAll(/(\d{1,9}(?:\.\d{1,3})?)(ms|[smhd])/g)];
  if (parts.length === 0 || parts.map(([all]) => all).join("") !== text) throw unusable(`"${text}" is no duration.`);
  return Math.round(parts.reduce((sum, [, number, unit]) => sum + Number(number) * (units[unit ?? ""] ?? 0), 0));
};

/** An ISO 8601 date or time; without a zone it is UTC, so that a script means the same everywhere. @throws Problem `clock` */
export const instantOf = (text: string): number => {
  const parts = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?)(Z|[+-]\d\d:\d\d)?)?$/.exec(text);
  const time = parts === null ? Number.NaN : Date.parse(`${parts[1]}T${parts[2] ?? "00:00"}${parts[3] ?? "Z"}`);
  if (Number.isNaN(time)) throw unusable(`"${text}" is no ISO 8601 time.`);
  return time;
};

/** Reads a change as it comes over the wire. @throws Problem `clock` */
export const readClockChange = (body: unknown): ClockChange => {
  const { kind, by, to } = (typeof body === "object" && body !== null ? body : {}) as Record<string, unknown>;
  if (kind === "advance" && typeof by === "number" && Number.isSafeInteger(by)) return { kind, by };
  if (kind === "set" && typeof to === "number" && Number.isSafeInteger(to)) return { kind, to };
  if (kind === "freeze" || kind === "resume" || kind === "reset") return { kind };
  throw unusable("The body is no change of the clock.");
};
