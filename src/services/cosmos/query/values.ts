/**
 * The values that queries compute with. JavaScript's `undefined` is the language's undefined; everything else is JSON.
 * Type order: undefined < null < boolean < number < string < array < object.
 */

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [name: string]: Json;
}
export type Value = Json | undefined;

/** An own property: `constructor`, `__proto__` and the like are only found when the document has them. */
export const property = (value: Value, name: string): Value =>
  typeof value === "object" && value !== null && !Array.isArray(value) && Object.hasOwn(value, name)
    ? (value as JsonObject)[name]
    : undefined;

export const isObject = (value: Value): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Narrows to the readonly array, which `Array.isArray` alone does not. */
export const isArray = (value: Value): value is readonly Json[] => Array.isArray(value);

/** Sets also `__proto__` as an ordinary property. */
export const setProperty = (target: Record<string, Json>, name: string, value: Json): void => {
  if (name === "__proto__")
    Object.defineProperty(target, name, { value, writable: true, enumerable: true, configurable: true });
  else target[name] = value;
};

export const typeRank = (value: Value): number => {
  switch (typeof value) {
    case "undefined":
      return 0;
    case "boolean":
      return 2;
    case "number":
      return 3;
    case "string":
      return 4;
    default:
      return value === null ? 1 : Array.isArray(value) ? 5 : 6;
  }
};

/** Deep equality of defined values; the order of properties does not matter. */
export const equals = (left: Json, right: Json): boolean => {
  if (left === right) return true;
  if (typeof left !== "object" || typeof right !== "object" || left === null || right === null) return false;
  if (isArray(left)) {
    if (!isArray(right) || left.length !== right.length) return false;
    for (let index = 0; index < left.length; index++) {
      if (!equals(left[index] as Json, right[index] as Json)) return false;
    }
    return true;
  }
  if (isArray(right)) return false;
  const names = Object.keys(left);
  if (names.length !== Object.keys(right).length) return false;
  for (const name of names) {
    if (!Object.hasOwn(right, name) || !equals(left[name] as Json, right[name] as Json)) return false;
  }
  return true;
};

/** Total order for ORDER BY, MIN and MAX over mixed types; arrays and objects compare by their parts. */
export const compare = (left: Value, right: Value): number => {
  const rank = typeRank(left);
  const difference = rank - typeRank(right);
  if (difference !== 0) return difference;
  if (rank >= 2 && rank <= 4) {
    const a = left as number;
    const b = right as number;
    return a < b ? -1 : a > b ? 1 : 0;
  }
  if (isArray(left) && isArray(right)) {
    const length = Math.min(left.length, right.length);
    for (let index = 0; index < length; index++) {
      const order = compare(left[index], right[index]);
      if (order !== 0) return order;
    }
    return left.length - right.length;
  }
  if (isObject(left) && isObject(right)) {
    const a = Object.keys(left).toSorted();
    const b = Object.keys(right).toSorted();
    for (let index = 0; index < Math.min(a.length, b.length); index++) {
      const name = a[index] ?? "";
      const other = b[index] ?? "";
      if (name !== other) return name < other ? -1 : 1;
      const order = compare(left[name], right[other]);
      if (order !== 0) return order;
    }
    return a.length - b.length;
  }
  return 0;
};

/** A text that is the same for equal values and for no others: the key of DISTINCT, GROUP BY and sets. */
export const keyOf = (value: Value): string => {
  switch (typeof value) {
    case "undefined":
      return "u";
    case "string":
      return `s${value.length}:${value}`;
    case "number":
      return value === 0 ? "n0" : `n${value}`;
    case "boolean":
      return value ? "t" : "f";
    default:
      break;
  }
  if (value === null) return "0";
  if (isArray(value)) return `[${value.map(keyOf).join(",")}]`;
  return `{${Object.keys(value)
    .toSorted()
    .map((name) => `${keyOf(name)}=${keyOf(value[name])}`)
    .join(",")}}`;
};
