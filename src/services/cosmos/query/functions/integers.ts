/** 64-bit integer arithmetic and bits. Arguments that are no integers in range give undefined; overflow wraps. */
import type { Value } from "../values.ts";
import { fixed, type FunctionDefinition, type FunctionTable } from "./definition.ts";

const limit = 2 ** 63;

const integer = (value: Value): bigint | undefined =>
  typeof value === "number" && Number.isInteger(value) && value >= -limit && value < limit ? BigInt(value) : undefined;

const result = (value: bigint | undefined): Value =>
  value === undefined ? undefined : Number(BigInt.asIntN(64, value));

const onTwo = (compute: (left: bigint, right: bigint) => bigint | undefined): FunctionDefinition =>
  fixed(2, (first, second) => {
    const left = integer(first);
    const right = integer(second);
    return left === undefined || right === undefined ? undefined : result(compute(left, right));
  });

const add = onTwo((left, right) => left + right);
const and = onTwo((left, right) => left & right);
const or = onTwo((left, right) => left | right);
const xor = onTwo((left, right) => left ^ right);
const not = fixed(1, (value) => {
  const operand = integer(value);
  return operand === undefined ? undefined : result(~operand);
});
/** Counts outside of 0..63 shift everything out; a negative count is undefined. */
const leftShift = onTwo((left, right) => (right < 0n ? undefined : right > 63n ? 0n : left << right));
const rightShift = onTwo((left, right) => (right < 0n ? undefined : left >> (right > 63n ? 63n : right)));

export const integerFunctions: FunctionTable = {
  INTADD: add,
  INTSUB: onTwo((left, right) => left - right),
  INTMUL: onTwo((left, right) => left * right),
  INTDIV: onTwo((left, right) => (right === 0n ? undefined : left / right)),
  INTMOD: onTwo((left, right) => (right === 0n ? undefined : left % right)),
  INTBITAND: and,
  INTBITOR: or,
  INTBITXOR: xor,
  INTBITNOT: not,
  INTBITLEFTSHIFT: leftShift,
  INTBITRIGHTSHIFT: rightShift,
  INTBITWISEAND: and,
  INTBITWISEOR: or,
  INTBITWISEXOR: xor,
  INTBITWISENOT: not,
  INTBITWISELEFTSHIFT: leftShift,
  INTBITWISERIGHTSHIFT: rightShift,
};
