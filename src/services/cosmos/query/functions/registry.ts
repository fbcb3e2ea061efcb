/** All built-in functions by name; names are case-insensitive. */
import { arrayFunctions } from "./arrays.ts";
import { conversionFunctions } from "./conversions.ts";
import { dateFunctions } from "./dates.ts";
import type { FunctionDefinition } from "./definition.ts";
import { integerFunctions } from "./integers.ts";
import { mathFunctions } from "./math.ts";
import { regexFunctions } from "./regex.ts";
import { setFunctions } from "./sets.ts";
import { spatialFunctions } from "./spatial.ts";
import { stringFunctions } from "./strings.ts";
import { textFunctions } from "./text.ts";
import { typeFunctions } from "./types.ts";
import { vectorFunctions } from "./vectors.ts";

export type { FunctionDefinition } from "./definition.ts";

const all: ReadonlyMap<string, FunctionDefinition> = new Map(
  [
    arrayFunctions,
    conversionFunctions,
    dateFunctions,
    integerFunctions,
    mathFunctions,
    regexFunctions,
    setFunctions,
    spatialFunctions,
    stringFunctions,
    textFunctions,
    typeFunctions,
    vectorFunctions,
  ].flatMap((table) => Object.entries(table)),
);

export const findFunction = (name: string): FunctionDefinition | undefined => all.get(name.toUpperCase());

/** Upper-case names, for the coverage page. */
export const functionNames = (): readonly string[] => [...all.keys()].toSorted();
