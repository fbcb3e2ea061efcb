/** ORDER BY RANK: FullTextScore (BM25) and RRF, reciprocal rank fusion. Neither exists outside of that clause. */
import type { Expression } from "./ast.ts";
import { type Compiler, constantOf } from "./compiler.ts";
import { QueryError } from "./errors.ts";
import { textsOf, words } from "./functions/text.ts";
import { distanceFunctionOf } from "./functions/vectors.ts";
import type { Evaluate, Scope } from "./scope.ts";
import { isArray } from "./values.ts";

type Call = Extract<Expression, { kind: "call" }>;

/** The usual constants of BM25. */
const saturation = 1.2;
const lengthWeight = 0.75;

const pathOf = (expression: Expression): string => {
  if (expression.kind === "member") return `${pathOf(expression.object)}/${expression.key}`;
  return "";
};

/** Without statistics of the container every word weighs the same and every text has average length. */
const compileTextScore = (compiler: Compiler, call: Call, scope: Scope): Evaluate => {
  const [first, ...rest] = call.args;
  if (first === undefined || rest.length === 0)
    throw new QueryError("SC2050", "The FULLTEXTSCORE function requires at least 2 argument(s).", call.at);
  const text = compiler.expression(first, scope);
  const phrases = rest.map((argument) => compiler.expression(argument, scope));
  const statistics = compiler.compilation.options.textStatistics;
  const path = pathOf(first);
  return () => {
    const content = (textsOf(text()) ?? []).flatMap(words);
    const wanted = phrases.flatMap((phrase) => {
      const value = phrase();
      return (typeof value === "string" ? [value] : isArray(value) ? value : []).flatMap((item) =>
        typeof item === "string" ? words(item) : [],
      );
    });
    const relative = content.length / (statistics?.averageLength(path) ?? Math.max(1, content.length));
    let score = 0;
    for (const term of new Set(wanted)) {
      const frequency = content.filter((word) => word === term).length;
      const holding = statistics?.holding(path, term) ?? 0;
      const weight =
        statistics === undefined ? 1 : Math.log(1 + (statistics.documents - holding + 0.5) / (holding + 0.5));
      score +=
        (weight * frequency * (saturation + 1)) /
        (frequency + saturation * (1 - lengthWeight + lengthWeight * relative));
    }
    return score;
  };
};

/** Undefined for any other function. */
export const compileScore = (compiler: Compiler, call: Call, scope: Scope): Evaluate | undefined => {
  const name = call.name.toUpperCase();
  if (name !== "FULLTEXTSCORE" && name !== "RRF") return undefined;
  if (scope.ranking !== true || name === "RRF")
    throw new QueryError(
      name === "RRF" ? "SC2241" : "SC2240",
      `The ${name === "RRF" ? "RRF" : "FullTextScore"} function is only allowed in the ORDER BY RANK clause.`,
      call.at,
    );
  return compileTextScore(compiler, call, scope);
};

/** VectorDistance with the measure of the container's policy written out, where the call names none. */
export const withPolicy = (compiler: Compiler, call: Call): Call => {
  if (call.name.toUpperCase() !== "VECTORDISTANCE" || call.args.length < 2) return call;
  const policy = compiler.compilation.options.distanceFunction;
  if (policy === undefined || call.args.some((argument) => argument.kind === "object")) return call;
  const found = call.args.map(pathOf).map((path) => (path === "" ? undefined : policy(path)));
  const name = found.find((measure) => measure !== undefined);
  if (name === undefined) return call;
  const { at } = call;
  const brute: Expression = call.args[2] ?? { kind: "literal", value: false, at };
  const measure: Expression = { kind: "literal", value: { distanceFunction: name }, at };
  return { ...call, args: [...call.args.slice(0, 2), brute, measure] };
};

/** For sorting: the better value is the larger one, or the smaller one for Euclidean distances. */
export const isDistance = (compiler: Compiler, expression: Expression): boolean | undefined => {
  if (expression.kind !== "call" || expression.name.toUpperCase() !== "VECTORDISTANCE") return undefined;
  const options = withPolicy(compiler, expression)
    .args.map((argument) =>
      argument.kind === "object"
        ? compiler.expression(argument, { names: new Map() })()
        : constantOf(argument, compiler.compilation)?.value,
    )
    .findLast((value) => value !== undefined && typeof value === "object");
  return distanceFunctionOf(options) === "euclidean";
};

export interface Ranking {
  readonly keys: readonly Evaluate[];
  /** Per key: smaller values are better. */
  readonly ascending: readonly boolean[];
  /** Weights of the fused ranks; without fusion there is one key. */
  readonly weights?: readonly number[];
}

export const compileRanking = (compiler: Compiler, expression: Expression, scope: Scope): Ranking => {
  const ranking: Scope = { ...scope, ranking: true };
  const scored = (part: Expression): { key: Evaluate; ascending: boolean } => {
    const distance = isDistance(compiler, part);
    if (distance === undefined && (part.kind !== "call" || part.name.toUpperCase() !== "FULLTEXTSCORE"))
      throw new QueryError(
        "SC2221",
        "The ORDER BY RANK clause must be followed by a VectorDistance, a FullTextScore or an RRF function call.",
        part.at,
      );
    return { key: compiler.expression(part, ranking), ascending: distance === true };
  };
  if (expression.kind !== "call" || expression.name.toUpperCase() !== "RRF") {
    const { key, ascending } = scored(expression);
    return { keys: [key], ascending: [ascending] };
  }
  const last = expression.args.at(-1);
  const weightList = last?.kind === "array" ? compiler.expression(last, scope)() : undefined;
  const parts = weightList === undefined ? expression.args : expression.args.slice(0, -1);
  if (parts.length < 2)
    throw new QueryError("SC2050", "The RRF function requires at least 2 argument(s).", expression.at);
  const components = parts.map(scored);
  const weights = parts.map((_, index) => {
    const weight = isArray(weightList) ? weightList[index] : 1;
    return typeof weight === "number" ? weight : 1;
  });
  return { keys: components.map(({ key }) => key), ascending: components.map(({ ascending }) => ascending), weights };
};
