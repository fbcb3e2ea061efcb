/** Between strings and other values. */
import { isArray, isObject, type Json, type Value } from "../values.ts";
import { fixed, type FunctionTable, ofString } from "./definition.ts";

const numberText = /^\s*-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?\s*$|^\s*-?\d+(?:\.\d*)?\s*$/;

const parseJson = (text: string): Value => {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
};

/** The service writes large numbers with 17 digits and a three-digit exponent: `2.0495371758495027e+018`. */
const printNumber = (value: number): string => {
  const text = JSON.stringify(value);
  const magnitude = Math.abs(value);
  if (value === 0 || (magnitude < 1e16 && magnitude >= 1e-5)) return text;
  const [mantissa = "", exponent = "0"] = value.toExponential().split("e");
  return `${mantissa}e${exponent.startsWith("-") ? "-" : "+"}${exponent.replace(/^[+-]/, "").padStart(3, "0")}`;
};

export const conversionFunctions: FunctionTable = {
  STRINGTOARRAY: ofString((text) => {
    const value = parseJson(text);
    return isArray(value) ? value : undefined;
  }),
  STRINGTOOBJECT: ofString((text) => {
    const value = parseJson(text);
    return isObject(value) ? value : undefined;
  }),
  STRINGTOBOOLEAN: ofString((text) => {
    const word = text.trim();
    return word === "true" ? true : word === "false" ? false : undefined;
  }),
  STRINGTONULL: ofString((text) => (text.trim() === "null" ? null : undefined)),
  STRINGTONUMBER: ofString((text) => {
    if (!numberText.test(text)) return undefined;
    const value = Number(text);
    return Number.isFinite(value) ? value : undefined;
  }),
  TOSTRING: fixed(1, (value) => {
    if (typeof value === "string") return value;
    return typeof value === "number" ? printNumber(value) : JSON.stringify(value);
  }),
};
