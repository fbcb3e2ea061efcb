/** Date-times as text (`2020-01-02T03:04:05.1234567Z`) and as ticks: 100 nanoseconds since 1970, UTC. */
import type { Value } from "../values.ts";

export const ticksPerMillisecond = 10_000n;
const shape = /^(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,7}))?)?(?:Z|([+-])(\d\d):(\d\d))?$/;

/** The years that the text form can write. */
const minimum = -62_135_596_800_000n * ticksPerMillisecond;
const maximum = 253_402_300_800_000n * ticksPerMillisecond;

/** Ticks that have a text form, or undefined. */
export const inRange = (ticks: bigint): bigint | undefined => (ticks >= minimum && ticks < maximum ? ticks : undefined);

export interface Calendar {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  /** Ticks within the second. */
  readonly fraction: number;
}

/** Milliseconds since 1970 of a date that may lie in the first century, where `Date.UTC` would add 1900. */
const utc = (year: number, month: number, day: number, hour = 0, minute = 0, second = 0): number => {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second);
  return date.getTime();
};

/** Undefined when a part is out of its range (month 13, 30 February). */
export const fromCalendar = ({ year, month, day, hour, minute, second, fraction }: Calendar): bigint | undefined => {
  const parts = [year, month, day, hour, minute, second, fraction];
  if (!parts.every(Number.isInteger) || year < 1 || year > 9999) return undefined;
  if (month < 1 || month > 12 || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59)
    return undefined;
  if (fraction < 0 || fraction > 9_999_999 || day < 1 || day > daysIn(year, month)) return undefined;
  return BigInt(utc(year, month, day, hour, minute, second)) * ticksPerMillisecond + BigInt(fraction);
};

export const daysIn = (year: number, month: number): number =>
  month === 2
    ? year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
      ? 29
      : 28
    : [4, 6, 9, 11].includes(month)
      ? 30
      : 31;

export const floorDivide = (value: bigint, by: bigint): bigint => {
  const quotient = value / by;
  return value % by < 0n ? quotient - 1n : quotient;
};

export const toCalendar = (ticks: bigint): Calendar => {
  const second = floorDivide(ticks, ticksPerMillisecond * 1000n);
  const date = new Date(Number(second) * 1000);
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
    fraction: Number(ticks - second * ticksPerMillisecond * 1000n),
  };
};

export const parseDateTime = (value: Value): bigint | undefined => {
  if (typeof value !== "string") return undefined;
  const found = shape.exec(value);
  if (found === null) return undefined;
  const [, year, month, day, hour = "0", minute = "0", second = "0", fraction = "", sign, offsetHour, offsetMinute] =
    found;
  const ticks = fromCalendar({
    year: Number(year),
    month: Number(month),
    day: Number(day),
    hour: Number(hour),
    minute: Number(minute),
    second: Number(second),
    fraction: Number(fraction.padEnd(7, "0")),
  });
  if (ticks === undefined || sign === undefined) return ticks;
  const offset = BigInt((Number(offsetHour) * 60 + Number(offsetMinute)) * 60_000) * ticksPerMillisecond;
  return inRange(sign === "+" ? ticks - offset : ticks + offset);
};

const digits = (value: number, width: number): string => String(value).padStart(width, "0");

/** `YYYY-MM-DDThh:mm:ss.fffffffZ`; undefined outside of the years 1 to 9999. */
export const printDateTime = (ticks: bigint | undefined): string | undefined => {
  if (ticks === undefined || inRange(ticks) === undefined) return undefined;
  const { year, month, day, hour, minute, second, fraction } = toCalendar(ticks);
  return `${digits(year, 4)}-${digits(month, 2)}-${digits(day, 2)}T${digits(hour, 2)}:${digits(minute, 2)}:${digits(second, 2)}.${digits(fraction, 7)}Z`;
};
