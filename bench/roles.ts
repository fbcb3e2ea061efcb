import { join } from "node:path";
import { node, run } from "./processes.ts";
import { compare, interleave, type Work } from "./work.ts";

const many = 10_000;
const few = 10;

/** What the number of role assignments does to one check, in microseconds, in a process that does nothing else. */
export const roles: Work = {
  name: "roles",
  run: async (bench) => {
    const check = async (assignments: number, question: "allowed" | "refused"): Promise<number> => {
      const microseconds = Number(
        await run(node, [join(import.meta.dirname, "role-checks.ts"), bench.product, String(assignments), question]),
      );
      bench.say(`${question}, ${assignments} assignments: ${microseconds.toFixed(2)} µs`);
      return microseconds;
    };
    const rows = [];
    for (const question of ["allowed", "refused"] as const) {
      const figures = await interleave(bench.pairs, {
        many: () => check(many, question),
        few: () => check(few, question),
      });
      rows.push(
        compare(
          `a check that is ${question}, µs, ${many} role assignments: the same with ${few}`,
          figures.many,
          figures.few,
          "<= 2x",
        ),
      );
    }
    return rows;
  },
};
