/** Mathematical functions over doubles. */
import { finite } from "../operators.ts";
import { between, fixed, type FunctionTable, ofNumber } from "./definition.ts";

/** Half away from zero; `Math.round` goes up. */
const round = (value: number): number => {
  const magnitude = Math.abs(value);
  const floor = Math.floor(magnitude);
  return Math.sign(value) * (magnitude - floor >= 0.5 ? floor + 1 : floor);
};

export const mathFunctions: FunctionTable = {
  ABS: ofNumber(Math.abs),
  ACOS: ofNumber(Math.acos),
  ASIN: ofNumber(Math.asin),
  ATAN: ofNumber(Math.atan),
  /** The documented example, ATN2(35.175643, 129.44) = 1.3054517947300646, puts x first. */
  ATN2: fixed(2, (x, y) => (typeof x === "number" && typeof y === "number" ? Math.atan2(y, x) : undefined)),
  CEILING: ofNumber(Math.ceil),
  COS: ofNumber(Math.cos),
  COT: ofNumber((value) => 1 / Math.tan(value)),
  DEGREES: ofNumber((value) => (value * 180) / Math.PI),
  EXP: ofNumber(Math.exp),
  FLOOR: ofNumber(Math.floor),
  LOG: between(1, 2, (value, base) => {
    if (typeof value !== "number") return undefined;
    if (base === undefined) return finite(Math.log(value));
    return typeof base === "number" ? finite(Math.log(value) / Math.log(base)) : undefined;
  }),
  LOG10: ofNumber(Math.log10),
  NUMBERBIN: between(1, 2, (value, size = 1) => {
    if (typeof value !== "number" || typeof size !== "number" || size <= 0) return undefined;
    return finite(Math.floor(value / size) * size);
  }),
  PI: fixed(0, () => Math.PI),
  POWER: fixed(2, (base, exponent) =>
    typeof base === "number" && typeof exponent === "number" ? finite(base ** exponent) : undefined,
  ),
  RADIANS: ofNumber((value) => (value * Math.PI) / 180),
  RAND: {
    min: 0,
    max: 0,
    make: ({ random }) => {
      if (random === undefined) throw new TypeError("RAND was compiled without `random` in the query's options.");
      return random;
    },
  },
  ROUND: ofNumber(round),
  SIGN: ofNumber(Math.sign),
  SIN: ofNumber(Math.sin),
  SQRT: ofNumber(Math.sqrt),
  SQUARE: ofNumber((value) => value * value),
  TAN: ofNumber(Math.tan),
  TRUNC: ofNumber(Math.trunc),
};
