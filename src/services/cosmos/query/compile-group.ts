/** GROUP BY and aggregates: rows are folded per key, then each group is projected once. */
import type { Accumulator } from "./aggregates.ts";
import type { Expression } from "./ast.ts";
import { printExpression } from "./print.ts";
import { type Execution, requireFew, type Rows } from "./rows.ts";
import type { Compilation, Evaluate, Grouping, Scope } from "./scope.ts";
import { keyOf, type Value } from "./values.ts";

export interface GroupKey {
  readonly expression: Expression;
  readonly evaluate: Evaluate;
  readonly slot: number;
}

interface Group {
  readonly keys: readonly Value[];
  readonly accumulators: readonly Accumulator[];
}

/** The grouping that the select list is compiled against; its aggregates are found on the way. */
export const compileGrouping = (keys: readonly GroupKey[], rows: Scope): Grouping => ({
  keys: new Map(keys.map(({ expression, slot }) => [printExpression(expression), slot])),
  aggregates: [],
  rows,
});

export const openGroups = (
  compilation: Compilation,
  keys: readonly GroupKey[],
  { aggregates }: Grouping,
  openOutput: () => { readonly rows: Rows; readonly emit: () => boolean },
): Execution => {
  const { slots } = compilation;
  const output = openOutput();
  const create = (values: readonly Value[]): Group => ({
    keys: values,
    accumulators: aggregates.map((aggregate) => aggregate.create()),
  });
  const groups = new Map<string, Group>();
  // Without GROUP BY there is one group, also over no rows at all.
  if (keys.length === 0) groups.set("", create([]));
  const groupOfRow = (): Group => {
    const values = keys.map((key) => key.evaluate());
    const key = values.length === 1 ? keyOf(values[0]) : values.map(keyOf).join("|");
    let group = groups.get(key);
    if (group === undefined) {
      group = create(values);
      groups.set(key, group);
      requireFew(groups.size);
    }
    return group;
  };
  return {
    rows: output.rows,
    row: () => {
      const { accumulators } = groupOfRow();
      for (let index = 0; index < accumulators.length; index++) accumulators[index]?.add(aggregates[index]?.argument());
      return true;
    },
    finish: function* () {
      let done = 0;
      for (const group of groups.values()) {
        for (const [index, key] of keys.entries()) slots[key.slot] = group.keys[index];
        for (const [index, aggregate] of aggregates.entries())
          slots[aggregate.slot] = group.accumulators[index]?.result();
        if (!output.emit()) break;
        done += 1;
        if (done % 512 === 0) yield;
      }
      return yield* output.rows.finish();
    },
  };
};
