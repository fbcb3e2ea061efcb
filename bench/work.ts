/** What a work of the benchmark is, and how two sides are compared. */

/** One line of the result. `ours` and `peer` are medians in the unit that the name gives. */
export interface Row {
  readonly name: string;
  readonly ours: number;
  /** Null where there is nothing to compare with. */
  readonly peer: number | null;
  /** Median of ours / peer over the pairs. */
  readonly ratio: number | null;
  readonly target: string;
  readonly ok: boolean;
}

/** A row and how far its pairs lie apart, for the table. */
export interface Measured extends Row {
  readonly spread: string;
}

export interface Bench {
  /** Checkout or installed package that is measured; has `bin` and `dist`. */
  readonly product: string;
  /** Scratch folder of this run, removed at its end. */
  readonly scratch: string;
  /** Pairs per work. */
  readonly pairs: number;
  readonly say: (text: string) => void;
}

export interface Work {
  readonly name: string;
  run(bench: Bench): Promise<readonly Measured[]>;
}

/** `<= 4x` compares the ratio, `<= 120` our own figure. */
export type Target = `${"<=" | ">="} ${number}${"x" | ""}`;

export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
};

const reached = (target: Target, ours: number, ratio: number | null): boolean => {
  const limit = Number.parseFloat(target.slice(2));
  const figure = target.endsWith("x") ? ratio : ours;
  if (figure === null || Number.isNaN(figure)) return false;
  return target.startsWith("<=") ? figure <= limit : figure >= limit;
};

/** Runs the sides in turn (A B A B ...), so that what else the machine does meets all of them. */
export const interleave = async <Name extends string>(
  rounds: number,
  sides: Readonly<Record<Name, () => Promise<number>>>,
): Promise<Record<Name, number[]>> => {
  const names = Object.keys(sides) as Name[];
  const figures = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<Name, number[]>;
  for (let round = 0; round < rounds; round += 1) for (const name of names) figures[name].push(await sides[name]());
  return figures;
};

/** A row from figures that were taken in turn: the ratio is the median of each pair's own. */
export const compare = (name: string, ours: readonly number[], peer: readonly number[], target: Target): Measured => {
  const ratios = ours.map((figure, index) => figure / (peer[index] ?? Number.NaN));
  const ratio = median(ratios);
  const [least, most] = [Math.min(...ratios), Math.max(...ratios)];
  return {
    name,
    ours: median(ours),
    peer: median(peer),
    ratio,
    target,
    ok: reached(target, median(ours), ratio),
    spread: `${least.toPrecision(3)} - ${most.toPrecision(3)}, ${ratios.length} pairs`,
  };
};

/** A row with a limit of its own. */
export const limit = (name: string, ours: number, target: Target, peer: number | null = null): Measured => {
  const ratio = peer === null ? null : ours / peer;
  return { name, ours, peer, ratio, target, ok: reached(target, ours, ratio), spread: "" };
};
