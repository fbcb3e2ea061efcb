/** Calls: aggregates, user-defined functions, built-in functions. */
import { aggregates } from "./aggregates.ts";
import type { Expression } from "./ast.ts";
import { type Compiler, constantOf } from "./compiler.ts";
import { QueryError } from "./errors.ts";
import { type FunctionDefinition, findFunction } from "./functions/registry.ts";
import { compileScore, withPolicy } from "./compile-score.ts";
import type { Evaluate, Scope } from "./scope.ts";
import type { Value } from "./values.ts";

type Call = Extract<Expression, { kind: "call" }>;

const plural = ({ min, max }: FunctionDefinition): string =>
  max === Number.POSITIVE_INFINITY ? `at least ${min}` : min === max ? String(min) : `${min} to ${max}`;

const requireArguments = (call: Call, definition: FunctionDefinition): void => {
  if (call.args.length >= definition.min && call.args.length <= definition.max) return;
  throw new QueryError(
    "SC2050",
    `The ${call.name.toUpperCase()} function requires ${plural(definition)} argument(s).`,
    call.at,
  );
};

const compileAggregate = (compiler: Compiler, call: Call, scope: Scope): Evaluate => {
  const name = call.name.toUpperCase();
  const create = aggregates.get(name);
  const [only] = call.args;
  if (create === undefined || only === undefined || call.args.length !== 1)
    throw new QueryError("SC2050", `The ${name} function requires 1 argument(s).`, call.at);
  const { grouping } = scope;
  if (grouping === undefined || scope.insideAggregate === true)
    throw scope.insideAggregate === true || containsSubquery(only)
      ? new QueryError(
          "SC2101",
          "Cannot perform an aggregate function on an expression containing an aggregate or a subquery.",
          call.at,
        )
      : new QueryError("SC2100", `Aggregate function ${name} is not allowed here.`, call.at);
  if (containsSubquery(only))
    throw new QueryError(
      "SC2101",
      "Cannot perform an aggregate function on an expression containing an aggregate or a subquery.",
      call.at,
    );
  const slot = compiler.compilation.slot();
  const argument = compiler.expression(only, { ...grouping.rows, insideAggregate: true });
  grouping.aggregates.push({ create, argument, slot });
  const { slots } = compiler.compilation;
  return () => slots[slot];
};

const containsSubquery = (expression: Expression): boolean =>
  expression.kind === "subquery" ||
  (expression.kind === "binary" && (containsSubquery(expression.left) || containsSubquery(expression.right))) ||
  (expression.kind === "call" && expression.args.some(containsSubquery));

const compileUserFunction = (compiler: Compiler, call: Call, scope: Scope): Evaluate => {
  const { options, statistics } = compiler.compilation;
  const run = options.udf?.get(call.name);
  if (run === undefined)
    throw new QueryError("SC2004", `'${call.name}' is not a recognized user-defined function name.`, call.at);
  const args = call.args.map((argument) => compiler.expression(argument, scope));
  return () => {
    statistics.userFunctionCalls += 1;
    return run(args.map((argument) => argument()));
  };
};

/** Strict functions are undefined as soon as one argument is. */
const strict = (run: (...args: Value[]) => Value, args: readonly Evaluate[]): Evaluate => {
  const [first, second, third] = args;
  if (args.length === 1 && first !== undefined)
    return () => {
      const a = first();
      return a === undefined ? undefined : run(a);
    };
  if (args.length === 2 && first !== undefined && second !== undefined)
    return () => {
      const a = first();
      const b = second();
      return a === undefined || b === undefined ? undefined : run(a, b);
    };
  if (args.length === 3 && first !== undefined && second !== undefined && third !== undefined)
    return () => {
      const a = first();
      const b = second();
      const c = third();
      return a === undefined || b === undefined || c === undefined ? undefined : run(a, b, c);
    };
  return () => {
    const values: Value[] = [];
    for (const argument of args) {
      const value = argument();
      if (value === undefined) return undefined;
      values.push(value);
    }
    return run(...values);
  };
};

export const compileCall = (compiler: Compiler, call: Call, scope: Scope): Evaluate => {
  if (call.udf) return compileUserFunction(compiler, call, scope);
  if (aggregates.has(call.name.toUpperCase())) return compileAggregate(compiler, call, scope);
  const score = compileScore(compiler, call, scope);
  if (score !== undefined) return score;
  const definition = findFunction(call.name);
  if (definition === undefined)
    throw new QueryError("SC2005", `'${call.name}' is not a recognized built-in function name.`, call.at);
  requireArguments(call, definition);
  const args = withPolicy(compiler, call).args.map((argument) => compiler.expression(argument, scope));
  const { statistics, options, pulse } = compiler.compilation;
  const run = definition.make === undefined ? definition.run : definition.make(options);
  const evaluate = definition.lenient === true ? () => run(...args.map((argument) => argument())) : strict(run, args);
  const pure = definition.make === undefined;
  if (pure && call.args.length > 0 && call.args.every((argument) => constantOf(argument, compiler.compilation))) {
    const value = evaluate();
    return () => value;
  }
  return () => {
    statistics.functionCalls += 1;
    pulse();
    return evaluate();
  };
};
