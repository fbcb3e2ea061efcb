import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ConditionContext, evaluateCondition, type Outcome } from "./evaluate.ts";
import { parseCondition } from "./parse.ts";
import { type Attribute, type Expression, type Literal, type Operand, operatorsByName, print } from "./syntax.ts";
import { ConditionSyntaxError } from "./tokens.ts";

const read = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read";
const blobs = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs";
const container = "@Resource[Microsoft.Storage/storageAccounts/blobServices/containers:name]";

const context = (over: Partial<ConditionContext> = {}): ConditionContext => ({
  action: read,
  subOperations: [],
  attributes: { "Resource[Microsoft.Storage/storageAccounts/blobServices/containers:name]": "photos" },
  now: Date.UTC(2026, 0, 2),
  ...over,
});
const outcome = (text: string, over: Partial<ConditionContext> = {}): Outcome =>
  evaluateCondition(parseCondition(text), context(over));
const reason = (result: Outcome): string => (typeof result === "boolean" ? String(result) : result.notEvaluable);
const problem = (text: string): ConditionSyntaxError => {
  try {
    parseCondition(text);
  } catch (error) {
    if (error instanceof ConditionSyntaxError) return error;
  }
  throw new Error(`${text} was accepted`);
};

describe("reading conditions", () => {
  it("reads the usual shape: actions not named pass, named ones need the expression", () => {
    const text = `((!(ActionMatches{'${read}'})) OR (${container} StringEquals 'photos'))`;
    expect(outcome(text)).toBe(true);
    expect(outcome(text.replace("'photos'", "'music'"))).toBe(false);
    expect(outcome(text.replace("'photos'", "'music'"), { action: `${blobs}/write` })).toBe(true);
  });
  it("takes keywords, operators and symbols in any spelling", () => {
    expect(outcome(`actionmatches{'${read}'} && (not ${container} stringequals 'x')`)).toBe(true);
    expect(outcome(`NOT ActionMatches{'${read}'} || EXISTS ${container}`)).toBe(true);
    expect(outcome(`'true' boolequals true`)).toBe(true);
  });
  it("refuses AND and OR side by side without parentheses, with the position", () => {
    const text = "1 NumericEquals 1 AND 2 NumericEquals 2 OR 3 NumericEquals 3";
    expect(problem(text)).toMatchObject({
      position: text.indexOf("OR"),
      message: expect.stringContaining("add parentheses"),
    });
    expect(() => parseCondition(`(1 NumericEquals 1 AND 2 NumericEquals 2) OR 3 NumericEquals 3`)).not.toThrow();
  });
  it.each([
    ["", 0],
    ["(1 NumericEquals 1", 18],
    ["1 NumericEquals", 15],
    ["1 Resembles 1", 2],
    ["'open", 0],
    ["@Nobody[x] StringEquals 'a'", 0],
    ["@Resource x", 0],
    ["1 NumericEquals 1 )", 18],
    ["ActionMatches{x}", 14],
    ["#", 0],
    ["{'a'} StringEquals 'a'", 0],
  ])("refuses %j and names the position", (text, position) => {
    expect(problem(text).position).toBe(position);
  });
  it("refuses conditions that are too long or too deep", () => {
    expect(problem(`'${"a".repeat(9000)}' StringEquals 'a'`).message).toContain("longer");
    expect(problem(`${"(".repeat(4000)}1 NumericEquals 1${")".repeat(4000)}`).message).toContain("nested");
    expect(problem(`${"!".repeat(5000)}1 NumericEquals 1`).message).toContain("nested");
  });
});

describe("operators", () => {
  it.each([
    ["'a' StringEquals 'a'", true],
    ["'a' StringEquals 'A'", false],
    ["'a' StringEqualsIgnoreCase 'A'", true],
    ["'a' StringNotEqualsIgnoreCase 'A'", false],
    ["'abc' StringStartsWith 'ab'", true],
    ["'abc' StringNotStartsWith 'ab'", false],
    ["'a/b/c.png' StringLike 'a/*.png'", true],
    ["'abc' StringLike 'a?c'", true],
    ["'abbc' StringLike 'a?c'", false],
    [String.raw`'a*c' StringLike 'a\*c'`, true],
    [String.raw`'abc' StringLike 'a\*c'`, false],
    ["'ABC' StringLikeIgnoreCase 'a*'", true],
    ["'ABC' StringNotLike 'a*'", true],
    ["5 NumericGreaterThan 4", true],
    ["5 NumericLessThanEquals 4", false],
    ["'5' NumericEquals 5", true],
    ["'2026-01-01T00:00:00.0000001Z' DateTimeGreaterThan '2026-01-01T00:00:00.0Z'", true],
    ["'2026-01-01T01:00:00+01:00' DateTimeEquals '2026-01-01T00:00:00Z'", true],
    ["true BoolNotEquals false", true],
    ["AAAAAAAA-0000-0000-0000-000000000000 GuidEquals 'aaaaaaaa-0000-0000-0000-000000000000'", true],
    ["{'red','blue'} ForAllOfAnyValues:StringEquals {'red','green'}", false],
    ["{'red','blue'} ForAnyOfAnyValues:StringEquals {'red','green'}", true],
    ["{10,20} ForAnyOfAllValues:NumericLessThan {15,18}", true],
    ["{10,20} ForAllOfAllValues:NumericLessThan {15,18}", false],
    ["{10,20} ForAllOfAnyValues:NumericLessThan {15,28}", true],
  ])("%s is %s", (text, expected) => {
    expect(outcome(text)).toBe(expected);
  });
  it.each([
    "'x' NumericEquals 1",
    "'soon' DateTimeEquals '2026-01-01T00:00:00Z'",
    "'x' GuidEquals 'y'",
    "1 BoolEquals true",
  ])("%s compares values of the wrong type and is not evaluable", (text) => {
    expect(reason(outcome(text))).toContain("not of the type");
    expect(typeof outcome(`!(${text})`)).toBe("object");
  });
});

describe("attributes", () => {
  it("an attribute that the operation does not supply denies, also under NOT and NotEquals", () => {
    const prefix = `@Request[${blobs}:prefix]`;
    for (const text of [
      `${prefix} StringEquals 'a'`,
      `${prefix} StringNotEquals 'a'`,
      `NOT ${prefix} StringEquals 'a'`,
      `(${prefix} StringEquals 'a') AND (1 NumericEquals 1)`,
    ]) {
      expect(reason(outcome(text))).toContain("does not supply");
    }
    expect(outcome(`Exists ${prefix}`)).toBe(false);
    expect(outcome(`NOT Exists ${prefix} OR ${prefix} StringEquals 'a'`)).toBe(true);
  });
  it("an attribute that is not supported is not evaluable and says so", () => {
    expect(reason(outcome("@Resource[Microsoft.Compute/virtualMachines:size] StringEquals 'x'"))).toContain(
      "not supported",
    );
    expect(reason(outcome("NOT Exists @Resource[Microsoft.Compute/virtualMachines:size]"))).toContain("not supported");
  });
  it("attribute names ignore case, tag keys do not when marked", () => {
    expect(
      outcome("@RESOURCE[microsoft.storage/STORAGEACCOUNTS/blobServices/containers:Name] StringEquals 'photos'"),
    ).toBe(true);
    const attributes = { [`Resource[${blobs}/tags:Project]`]: "Cascade" };
    expect(
      outcome(`@Resource[${blobs}/tags:Project<$key_case_sensitive$>] StringEquals 'Cascade'`, { attributes }),
    ).toBe(true);
    expect(outcome(`@Resource[${blobs}/tags:project] StringEquals 'Cascade'`, { attributes })).toBe(true);
    expect(
      typeof outcome(`@Resource[${blobs}/tags:project<$key_case_sensitive$>] StringEquals 'Cascade'`, { attributes }),
    ).toBe("object");
  });
  it("list attributes need a quantifier, and an empty list counts as absent", () => {
    const keys = `@Request[${blobs}/tags&$keys$&]`;
    const attributes = { [`Request[${blobs}/tags&$keys$]`]: ["Project", "Stage"] };
    expect(outcome(`${keys} ForAllOfAnyValues:StringEquals {'Project', 'Stage'}`, { attributes })).toBe(true);
    expect(outcome(`${keys} ForAllOfAnyValues:StringEquals {'Project'}`, { attributes })).toBe(false);
    expect(reason(outcome(`${keys} StringEquals 'Project'`, { attributes }))).toContain("several");
    expect(typeof outcome(`${keys} ForAllOfAnyValues:StringEquals {'Project'}`, { attributes: {} })).toBe("object");
  });
  it("UtcNow is the tenant's time and takes GreaterThan and LessThan only", () => {
    expect(outcome("@Environment[UtcNow] DateTimeGreaterThan '2026-01-01T00:00:00.0Z'")).toBe(true);
    expect(outcome("@Environment[UtcNow] DateTimeLessThan '2026-01-01T00:00:00.0Z'")).toBe(false);
    expect(typeof outcome("@Environment[UtcNow] DateTimeNotEquals '2026-01-01T00:00:00.0Z'")).toBe("object");
    expect(
      typeof outcome("@Environment[UtcNow] DateTimeGreaterThan '2026-01-01T00:00:00.0Z'", { now: undefined }),
    ).toBe("object");
  });
  it("SubOperationMatches and its preview form see the request's suboperation", () => {
    const old = "@Request[subOperation] ForAnyOfAnyValues:StringEqualsIgnoreCase {'Blob.List'}";
    for (const text of ["SubOperationMatches{'blob.list'}", old]) {
      expect(outcome(text, { subOperations: ["Blob.List"] })).toBe(true);
      expect(outcome(text)).toBe(false);
      expect(outcome(`NOT ${text}`)).toBe(true);
    }
  });
});

const plain = fc.string({ unit: fc.constantFrom("a", "B", "/", "*", "'", " ", "é", "{", ")"), maxLength: 6 });
const literal: fc.Arbitrary<Literal> = fc.oneof(
  plain.map((value): Literal => ({ kind: "string", value })),
  fc.integer().map((value): Literal => ({ kind: "integer", value })),
  fc.boolean().map((value): Literal => ({ kind: "boolean", value })),
  fc.uuid().map((value): Literal => ({ kind: "guid", value })),
);
const attribute: fc.Arbitrary<Attribute> = fc.record({
  source: fc.constantFrom("Resource", "Request", "Principal", "Environment"),
  name: fc.constantFrom(
    "Microsoft.Storage/storageAccounts:name",
    `${blobs}:path`,
    `${blobs}/tags:Key<$key_case_sensitive$>`,
    "UtcNow",
    "nothing",
  ),
});
const single: fc.Arbitrary<Operand> = fc.oneof(
  literal,
  attribute.map((a): Operand => ({ kind: "attribute", attribute: a })),
);
const several: fc.Arbitrary<Operand> = fc
  .array(literal, { minLength: 1, maxLength: 3 })
  .map((values): Operand => ({ kind: "set", values }));
const comparison: fc.Arbitrary<Expression> = fc.constantFrom(...operatorsByName.values()).chain((operator) => {
  const operand = operator.quantifier === undefined ? single : fc.oneof(single, several);
  return fc.record({
    kind: fc.constant("comparison" as const),
    left: operand,
    operator: fc.constant(operator),
    right: operand,
  });
});
const expression: fc.Arbitrary<Expression> = fc.letrec<{ tree: Expression }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    comparison,
    fc.constantFrom(read, "*", "Microsoft.*/read").map((pattern): Expression => ({ kind: "actionMatches", pattern })),
    fc.constant<Expression>({ kind: "subOperationMatches", name: "Blob.List" }),
    attribute.map((a): Expression => ({ kind: "exists", attribute: a })),
    tie("tree").map((operand): Expression => ({ kind: "not", operand })),
    fc
      .tuple(fc.constantFrom("and" as const, "or" as const), fc.array(tie("tree"), { minLength: 2, maxLength: 3 }))
      .map(([kind, operands]): Expression => ({ kind, operands })),
  ),
})).tree;

const values = fc.dictionary(
  fc.constantFrom(
    "Resource[Microsoft.Storage/storageAccounts:name]",
    `Request[${blobs}:path]`,
    `Resource[${blobs}/tags:Key]`,
    "x",
  ),
  fc.oneof(plain, fc.double(), fc.boolean(), fc.array(plain)),
);

describe("properties", () => {
  it("a printed condition is read back as the same tree", () => {
    fc.assert(
      fc.property(expression, (tree) => {
        expect(parseCondition(print(tree))).toEqual(tree);
      }),
      { numRuns: 500 },
    );
  });
  it("evaluation never throws, whatever the request supplies", () => {
    fc.assert(
      fc.property(expression, values, fc.option(fc.double(), { nil: undefined }), (tree, attributes, now) => {
        const result = evaluateCondition(tree, context({ attributes, now }));
        expect(typeof result === "boolean" || typeof result.notEvaluable === "string").toBe(true);
      }),
      { numRuns: 1000 },
    );
  });
  it("any text is either read or refused with a position inside it", () => {
    const scraps = fc
      .array(
        fc.constantFrom(
          "(",
          ")",
          "!",
          "AND",
          "OR",
          "1",
          "'a'",
          "@Resource[x]",
          "StringEquals",
          "{",
          "}",
          ",",
          "\\",
          "'",
          "é",
        ),
      )
      .map((all) => all.join(" "));
    fc.assert(
      fc.property(fc.oneof(scraps, fc.string()), (text) => {
        try {
          parseCondition(text);
        } catch (error) {
          expect(error).toBeInstanceOf(ConditionSyntaxError);
          expect((error as ConditionSyntaxError).position).toBeLessThanOrEqual(text.length);
        }
      }),
      { numRuns: 1000 },
    );
  });
  it("a refusal never turns into a grant by adding white space or changing the case of keywords", () => {
    const tokens = /'(?:[^'\\]|\\.)*'|@[A-Za-z]+\[[^\]]*\]|[(){},!]|[^\s(){},!']+/g;
    const respell = (text: string): string =>
      (text.match(tokens) ?? [])
        .map((token) => (token.startsWith("'") || token.startsWith("@") ? token : token.toUpperCase()))
        .join(" \t\n ");
    fc.assert(
      fc.property(expression, values, (tree, attributes) => {
        const text = print(tree);
        const respelled = respell(text);
        if (respelled.length > 8000) return;
        const given = context({ attributes });
        expect(evaluateCondition(parseCondition(respelled), given)).toEqual(
          evaluateCondition(parseCondition(text), given),
        );
      }),
      { numRuns: 500 },
    );
  });
});
