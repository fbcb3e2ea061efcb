/** The last sequence of each partition: a row each, kept in memory while in use and written once per transaction. */
import type { DatabaseSync } from "node:sqlite";

/** More partitions than this are forgotten and read again. */
const REMEMBERED = 10_000;

export const sqliteSequences = (database: DatabaseSync) => {
  const read = database.prepare("select sequence from partitions where partition = ?");
  const store = database.prepare(
    `insert into partitions (partition, sequence) values (?, ?)
     on conflict (partition) do update set sequence = excluded.sequence`,
  );
  const known = new Map<string, number>();
  const moved = new Set<string>();

  const current = (partition: string): number => {
    const remembered = known.get(partition);
    if (remembered !== undefined) return remembered;
    const sequence = Number(read.get(partition)?.["sequence"] ?? 0);
    known.set(partition, sequence);
    return sequence;
  };
  return {
    current,
    next: (partition: string): number => {
      const sequence = current(partition) + 1;
      known.set(partition, sequence);
      moved.add(partition);
      return sequence;
    },
    /** Writes the sequences used since the last call; part of the transaction that used them. */
    settle: (): void => {
      for (const partition of moved) store.run(partition, known.get(partition) ?? 0);
      moved.clear();
      if (known.size > REMEMBERED) known.clear();
    },
    /** After a rollback. */
    forget: (): void => {
      known.clear();
      moved.clear();
    },
  };
};
