/** The end of a query: DISTINCT, ORDER BY, TOP, OFFSET and LIMIT over projected rows. */
import { tooComplex } from "./errors.ts";
import { sorted, type Steps, stepSize } from "./steps.ts";
import { compare, type Json, keyOf, type Value } from "./values.ts";

export interface RowOrder {
  readonly descending: readonly boolean[];
  /** RRF: rows are ranked by every key alone, and the ranks are fused with these weights. */
  readonly weights?: readonly number[];
}

/** The constant of reciprocal rank fusion. */
const rankOffset = 60;

export interface RowLimits {
  readonly distinct: boolean;
  readonly offset: number;
  /** Rows after the offset; infinity for all. */
  readonly count: number;
  readonly order?: RowOrder;
}

export interface Rows {
  /** A projected row, with its ORDER BY values. False: no further rows are wanted. */
  add(value: Value, keys: readonly Value[]): boolean;
  /** Rows that are ready; they are handed out once. */
  readonly drain: () => readonly Json[];
  /** After the last row, in steps of a few milliseconds. */
  readonly finish: () => Steps<readonly Json[]>;
}

interface Row {
  readonly value: Value;
  readonly keys: readonly Value[];
  readonly sequence: number;
}

/** Rows that a query may hold at a time: memory ends sooner than steps do. */
const maxHeld = 1_000_000;

export const requireFew = (held: number): void => {
  if (held > maxHeld) throw tooComplex(`it holds more than ${maxHeld} rows or groups in memory`);
};

const none: readonly Json[] = [];

// oxlint-disable-next-line eslint/require-yield -- there is nothing to do in between
const atOnce = function* (rows: readonly Json[]): Steps<readonly Json[]> {
  return rows;
};

/** Without ORDER BY rows flow through; a reached limit ends the scan. */
const streaming = ({ distinct, offset, count }: RowLimits): Rows => {
  const seen = new Set<string>();
  let skip = offset;
  let left = count;
  let ready: Json[] = [];
  const drain = (): readonly Json[] => {
    if (ready.length === 0) return none;
    const rows = ready;
    ready = [];
    return rows;
  };
  return {
    add: (value) => {
      if (left <= 0) return false;
      if (value === undefined) return true;
      if (distinct) {
        const key = keyOf(value);
        if (seen.has(key)) return true;
        seen.add(key);
        requireFew(seen.size);
      }
      if (skip > 0) skip -= 1;
      else {
        ready.push(value);
        requireFew(ready.length);
        left -= 1;
      }
      return left > 0;
    },
    drain,
    finish: () => atOnce(drain()),
  };
};

/** Ties keep the order of the documents, reversed when the first key descends. */
export const rowComparator = ({ descending }: RowOrder): ((a: Row, b: Row) => number) => {
  const signs = descending.map((down) => (down ? -1 : 1));
  const tie = signs[0] ?? 1;
  if (signs.length === 1)
    return (a, b) => {
      const left = a.keys[0];
      const right = b.keys[0];
      const order = typeof left === "number" && typeof right === "number" ? left - right : compare(left, right);
      return (order === 0 ? a.sequence - b.sequence : order) * tie;
    };
  return (a, b) => {
    for (let index = 0; index < signs.length; index++) {
      const order = compare(a.keys[index], b.keys[index]);
      if (order !== 0) return order * (signs[index] ?? 1);
    }
    return (a.sequence - b.sequence) * tie;
  };
};

/** One key, the fused score, in place of several. */
const fuse = function* (
  rows: readonly Row[],
  { descending }: RowOrder,
  weights: readonly number[],
): Steps<readonly Row[]> {
  const scores = new Map<Row, number>();
  for (const [component, weight] of weights.entries()) {
    const down = descending[component] ?? true;
    const better = rowComparator({ descending: [down] });
    const ranked = yield* sorted(
      rows.map((row) => ({
        row,
        keys: [row.keys[component]],
        sequence: down ? -row.sequence : row.sequence,
        value: null,
      })),
      better,
    );
    for (const [rank, { row }] of ranked.entries())
      scores.set(row, (scores.get(row) ?? 0) + weight / (rankOffset + rank + 1));
    yield;
  }
  return rows.map((row) => ({ ...row, keys: [scores.get(row)] }));
};

/** With a limit, no more rows are kept than could still be wanted (times two, to sort seldom). */
const sorting = ({ distinct, offset, count }: RowLimits, order: RowOrder): Rows => {
  const { weights } = order;
  const comparator = rowComparator(weights === undefined ? order : { descending: [true] });
  const wanted = distinct || weights !== undefined ? Number.POSITIVE_INFINITY : offset + count;
  const single = order.descending.length === 1;
  const nothing = count <= 0;
  let rows: Row[] = [];
  let sequence = 0;
  return {
    add: (value, keys) => {
      // ORDER BY one expression is served from its index, which does not hold documents without it.
      if ((single && keys[0] === undefined) || (value === undefined && !distinct)) return !nothing;
      rows.push({ value, keys, sequence: sequence++ });
      requireFew(rows.length);
      if (rows.length > wanted * 2 + 1000) rows = rows.sort(comparator).slice(0, wanted);
      return !nothing;
    },
    drain: () => none,
    finish: function* () {
      const end = streaming({ distinct, offset, count });
      const all = weights === undefined ? rows : yield* fuse(rows, order, weights);
      rows = [];
      const inOrder = yield* sorted(all, comparator);
      for (let at = 0; at < inOrder.length; at++) {
        if (!end.add(inOrder[at]?.value, [])) break;
        if (at % stepSize === stepSize - 1) yield;
      }
      return end.drain();
    },
  };
};

export const openRows = (limits: RowLimits): Rows =>
  limits.order === undefined ? streaming(limits) : sorting(limits, limits.order);

/** One execution of a query: `row` for every combination of sources that passed the filter. */
export interface Execution {
  readonly rows: Rows;
  /** False: no further rows are wanted. */
  readonly row: () => boolean;
  readonly finish: () => Steps<readonly Json[]>;
}
