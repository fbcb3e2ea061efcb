/** Date and time functions over the text form, ticks and milliseconds. The current time is the tenant's clock. */
import type { QueryOptions } from "../scope.ts";
import type { Value } from "../values.ts";
import {
  type Calendar,
  daysIn,
  floorDivide,
  fromCalendar,
  inRange,
  parseDateTime,
  printDateTime,
  ticksPerMillisecond,
  toCalendar,
} from "./date-text.ts";
import { between, fixed, type FunctionDefinition, type FunctionTable } from "./definition.ts";

type Unit = "year" | "month" | "day" | "hour" | "minute" | "second" | "millisecond" | "microsecond" | "nanosecond";

const units: Readonly<Record<string, Unit>> = {
  year: "year",
  yyyy: "year",
  yy: "year",
  month: "month",
  mm: "month",
  m: "month",
  day: "day",
  dd: "day",
  d: "day",
  hour: "hour",
  hh: "hour",
  minute: "minute",
  mi: "minute",
  n: "minute",
  second: "second",
  ss: "second",
  s: "second",
  millisecond: "millisecond",
  ms: "millisecond",
  microsecond: "microsecond",
  mcs: "microsecond",
  nanosecond: "nanosecond",
  ns: "nanosecond",
};

const unitOf = (value: Value): Unit | undefined =>
  typeof value === "string" && Object.hasOwn(units, value.toLowerCase()) ? units[value.toLowerCase()] : undefined;

/** Nanoseconds per unit; months and years have no fixed length. */
const lengths: Readonly<Partial<Record<Unit, bigint>>> = {
  day: 86_400_000_000_000n,
  hour: 3_600_000_000_000n,
  minute: 60_000_000_000n,
  second: 1_000_000_000n,
  millisecond: 1_000_000n,
  microsecond: 1000n,
  nanosecond: 1n,
};

const whole = (value: Value): bigint | undefined =>
  typeof value === "number" && Number.isSafeInteger(value) ? BigInt(value) : undefined;

/** The last days of longer months become the last day of a shorter one. */
const addMonths = (ticks: bigint, months: number): bigint | undefined => {
  const from = toCalendar(ticks);
  const total = from.year * 12 + from.month - 1 + months;
  const year = Math.floor(total / 12);
  const month = (total % 12) + 1;
  if (year < 1 || year > 9999) return undefined;
  return fromCalendar({ ...from, year, month, day: Math.min(from.day, daysIn(year, month)) });
};

const add = (ticks: bigint, unit: Unit, count: bigint): bigint | undefined => {
  const length = lengths[unit];
  if (length === undefined) return addMonths(ticks, Number(count) * (unit === "year" ? 12 : 1));
  return inRange(floorDivide(ticks * 100n + length * count, 100n));
};

const part = (ticks: bigint, unit: Unit): number => {
  const calendar = toCalendar(ticks);
  switch (unit) {
    case "millisecond":
      return Math.floor(calendar.fraction / 10_000);
    case "microsecond":
      return Math.floor(calendar.fraction / 10);
    case "nanosecond":
      return calendar.fraction * 100;
    default:
      return calendar[unit];
  }
};

/** Boundaries of the unit between two times. */
const difference = (from: bigint, to: bigint, unit: Unit): number => {
  const length = lengths[unit];
  if (length !== undefined) return Number(floorDivide(to * 100n, length) - floorDivide(from * 100n, length));
  const a = toCalendar(from);
  const b = toCalendar(to);
  return unit === "year" ? b.year - a.year : (b.year - a.year) * 12 + b.month - a.month;
};

const bin = (ticks: bigint, unit: Unit, size: bigint, origin: bigint): bigint | undefined => {
  const length = lengths[unit];
  if (length !== undefined) {
    const width = length * size;
    return inRange(floorDivide(origin * 100n + floorDivide((ticks - origin) * 100n, width) * width, 100n));
  }
  const step = Number(size) * (unit === "year" ? 12 : 1);
  const months = difference(origin, ticks, "month");
  const start = addMonths(origin, Math.floor(months / step) * step);
  return start !== undefined && start > ticks ? addMonths(start, -step) : start;
};

const numberOfTicks = (value: Value): bigint | undefined =>
  typeof value === "number" && Number.isFinite(value) ? inRange(BigInt(Math.trunc(value))) : undefined;

const current = (read: (ticks: bigint) => Value): FunctionDefinition => ({
  min: 0,
  max: 0,
  make: ({ now }: QueryOptions) => {
    if (now === undefined) throw new TypeError("The current time was asked for without `now` in the query's options.");
    // One query sees one time.
    const value = read(BigInt(now()) * ticksPerMillisecond);
    return () => value;
  },
});

const currentDateTime = current(printDateTime);
const currentTicks = current(Number);
const currentTimestamp = current((ticks) => Number(ticks / ticksPerMillisecond));

const component = (unit: Unit): FunctionDefinition =>
  fixed(1, (text) => {
    const ticks = parseDateTime(text);
    return ticks === undefined ? undefined : part(ticks, unit);
  });

const letters = /yyyy|yy|MM|dd|HH|hh|mm|ss|f{1,7}|tt|'[^']*'/g;

const format = (pattern: string, calendar: Calendar): string =>
  pattern.replace(letters, (found) => {
    const two = (value: number): string => String(value).padStart(2, "0");
    switch (found) {
      case "yyyy":
        return String(calendar.year).padStart(4, "0");
      case "yy":
        return two(calendar.year % 100);
      case "MM":
        return two(calendar.month);
      case "dd":
        return two(calendar.day);
      case "HH":
        return two(calendar.hour);
      case "hh":
        return two(calendar.hour % 12 === 0 ? 12 : calendar.hour % 12);
      case "mm":
        return two(calendar.minute);
      case "ss":
        return two(calendar.second);
      case "tt":
        return calendar.hour < 12 ? "AM" : "PM";
      default:
        return found.startsWith("'")
          ? found.slice(1, -1)
          : String(calendar.fraction).padStart(7, "0").slice(0, found.length);
    }
  });

export const dateFunctions: FunctionTable = {
  DATETIMEADD: fixed(3, (name, count, text) => {
    const unit = unitOf(name);
    const ticks = parseDateTime(text);
    const number = whole(count);
    if (unit === undefined || ticks === undefined || number === undefined) return undefined;
    return printDateTime(add(ticks, unit, number));
  }),
  DATETIMEBIN: between(2, 4, (text, name, size = 1, start = "1970-01-01T00:00:00.0000000Z") => {
    const unit = unitOf(name);
    const ticks = parseDateTime(text);
    const width = whole(size);
    const origin = parseDateTime(start);
    if (unit === undefined || ticks === undefined || origin === undefined) return undefined;
    return width === undefined || width <= 0n ? undefined : printDateTime(bin(ticks, unit, width, origin));
  }),
  DATETIMEDIFF: fixed(3, (name, start, end) => {
    const unit = unitOf(name);
    const from = parseDateTime(start);
    const to = parseDateTime(end);
    return unit === undefined || from === undefined || to === undefined ? undefined : difference(from, to, unit);
  }),
  DATETIMEFORMAT: fixed(2, (text, pattern) => {
    const ticks = parseDateTime(text);
    return ticks === undefined || typeof pattern !== "string" ? undefined : format(pattern, toCalendar(ticks));
  }),
  DATETIMEFROMPARTS: between(3, 7, (year, month, day, hour = 0, minute = 0, second = 0, fraction = 0) => {
    const parts = [year, month, day, hour, minute, second, fraction];
    if (!parts.every((value) => typeof value === "number")) return undefined;
    const [y = 0, m = 0, d = 0, h = 0, mi = 0, s = 0, f = 0] = parts;
    return printDateTime(fromCalendar({ year: y, month: m, day: d, hour: h, minute: mi, second: s, fraction: f }));
  }),
  DATETIMEPART: fixed(2, (name, text) => {
    const unit = unitOf(name);
    const ticks = parseDateTime(text);
    return unit === undefined || ticks === undefined ? undefined : part(ticks, unit);
  }),
  DATETIMETOTICKS: fixed(1, (text) => {
    const ticks = parseDateTime(text);
    return ticks === undefined ? undefined : Number(ticks);
  }),
  DATETIMETOTIMESTAMP: fixed(1, (text) => {
    const ticks = parseDateTime(text);
    return ticks === undefined ? undefined : Number(floorDivide(ticks, ticksPerMillisecond));
  }),
  TICKSTODATETIME: fixed(1, (ticks) => printDateTime(numberOfTicks(ticks))),
  TIMESTAMPTODATETIME: fixed(1, (milliseconds) =>
    typeof milliseconds === "number" && Math.abs(milliseconds) < 1e15
      ? printDateTime(BigInt(Math.trunc(milliseconds)) * ticksPerMillisecond)
      : undefined,
  ),
  GETCURRENTDATETIME: currentDateTime,
  GETCURRENTDATETIMESTATIC: currentDateTime,
  GETCURRENTTICKS: currentTicks,
  GETCURRENTTICKSSTATIC: currentTicks,
  GETCURRENTTIMESTAMP: currentTimestamp,
  GETCURRENTTIMESTAMPSTATIC: currentTimestamp,
  YEAR: component("year"),
  MONTH: component("month"),
  DAY: component("day"),
};
