/** How built-in functions are written down. */
import type { QueryOptions } from "../scope.ts";
import type { Value } from "../values.ts";

export type Implementation = (...args: Value[]) => Value;

interface Arity {
  readonly min: number;
  readonly max: number;
  /** Called with undefined arguments too; others are undefined as soon as one argument is. */
  readonly lenient?: boolean;
}

/** `make`: the function needs the clock or randomness, so it is never folded into a constant. */
export type FunctionDefinition = Arity &
  (
    | { readonly run: Implementation; readonly make?: undefined }
    | { readonly make: (options: QueryOptions) => Implementation }
  );

/** By upper-case name. */
export type FunctionTable = Readonly<Record<string, FunctionDefinition>>;

export const fixed = (count: number, run: Implementation): FunctionDefinition => ({ min: count, max: count, run });

export const between = (min: number, max: number, run: Implementation): FunctionDefinition => ({ min, max, run });

export const many = (min: number, run: Implementation): FunctionDefinition => ({
  min,
  max: Number.POSITIVE_INFINITY,
  run,
});

export const lenient = (min: number, max: number, run: Implementation): FunctionDefinition => ({
  min,
  max,
  run,
  lenient: true,
});

/** One string to a value. */
export const ofString = (run: (text: string) => Value): FunctionDefinition =>
  fixed(1, (text) => (typeof text === "string" ? run(text) : undefined));

/** One number to a number; results that JSON cannot hold are undefined. */
export const ofNumber = (run: (value: number) => number): FunctionDefinition =>
  fixed(1, (value) => {
    if (typeof value !== "number") return undefined;
    const result = run(value);
    return Number.isFinite(result) ? result : undefined;
  });
