/** VectorDistance over arrays of numbers. */
import { finite } from "../operators.ts";
import type { DistanceFunction } from "../scope.ts";
import { isArray, isObject, property, type Value } from "../values.ts";
import { between, type FunctionTable } from "./definition.ts";

const distances: Readonly<Record<DistanceFunction, (a: readonly number[], b: readonly number[]) => number>> = {
  cosine: (a, b) => dot(a, b) / (Math.sqrt(dot(a, a)) * Math.sqrt(dot(b, b))),
  dotproduct: (a, b) => dot(a, b),
  euclidean: (a, b) => Math.sqrt(a.reduce((sum, value, index) => sum + (value - (b[index] ?? 0)) ** 2, 0)),
};

const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0);

/** From the options object of a call; the service takes what the container's vector policy says. */
export const distanceFunctionOf = (options: Value): DistanceFunction => {
  const name = isObject(options) ? property(options, "distanceFunction") : undefined;
  const lower = typeof name === "string" ? name.toLowerCase() : "";
  return lower === "euclidean" || lower === "dotproduct" ? lower : "cosine";
};

const isVector = (value: Value): value is readonly number[] =>
  isArray(value) && value.length > 0 && value.every((item) => typeof item === "number");

export const vectorFunctions: FunctionTable = {
  VECTORDISTANCE: between(2, 4, (a, b, third, fourth) => {
    if (!isVector(a) || !isVector(b) || a.length !== b.length) return undefined;
    return finite(distances[distanceFunctionOf(isObject(third) ? third : fourth)](a, b));
  }),
};
