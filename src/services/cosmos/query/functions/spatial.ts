/** ST_ functions over GeoJSON values. Shapes that cannot be read give undefined. */
import type { Value } from "../values.ts";
import { fixed, type FunctionTable } from "./definition.ts";
import { area, shapeDistance } from "./geodesy.ts";
import { intersects, invalidReason, readShape, type Shape, within } from "./geometry.ts";

const shape = (value: Value): Shape | undefined => {
  const found = readShape(value);
  return typeof found === "string" || invalidReason(found) !== undefined ? undefined : found;
};

const onTwo = (compute: (a: Shape, b: Shape) => Value) =>
  fixed(2, (first, second) => {
    const a = shape(first);
    const b = shape(second);
    return a === undefined || b === undefined ? undefined : compute(a, b);
  });

const problem = (value: Value): string | undefined => {
  const found = readShape(value);
  return typeof found === "string" ? found : invalidReason(found);
};

export const spatialFunctions: FunctionTable = {
  ST_AREA: fixed(1, (value) => {
    const found = shape(value);
    return found === undefined ? undefined : area(found);
  }),
  ST_DISTANCE: onTwo((a, b) => {
    const found = shapeDistance(a, b);
    return Number.isFinite(found) ? found : undefined;
  }),
  ST_INTERSECTS: onTwo(intersects),
  ST_ISVALID: fixed(1, (value) => problem(value) === undefined),
  ST_ISVALIDDETAILED: fixed(1, (value) => {
    const reason = problem(value);
    return reason === undefined ? { valid: true } : { valid: false, reason };
  }),
  ST_WITHIN: onTwo(within),
};
