/**
 * Runs scripts as one transaction on one logical partition. They work on an overlay; at the end everything is written at
 * once, if nothing that they have read or looked through has changed meanwhile. Otherwise they run again, a few times.
 */
import { setImmediate as turn } from "node:timers/promises";
import { Contended } from "../../../store/store.ts";
import { inContainer } from "../engine/engine.ts";
import { partitionPrefix } from "../engine/partition-key.ts";
import { cosmosFault } from "../faults.ts";
import { busy } from "./outcomes.ts";
import { Stale } from "./overlay.ts";
import { openSession, type Session, type SessionOptions } from "./session.ts";

const attempts = 10;

const longestLine = 500;

interface Line {
  last: Promise<unknown>;
  length: number;
}

/** Those who work on the same logical partition wait for each other: they would only run again and again. */
export type Lines = Map<string, Line>;

/** @throws 429 when too many stand there already */
const inLine = async <T>(lines: Lines, name: string, work: () => Promise<T>): Promise<T> => {
  const line = lines.get(name) ?? { last: Promise.resolve(), length: 0 };
  if (line.length >= longestLine) throw busy();
  lines.set(name, line);
  line.length += 1;
  const own = line.last.then(work, work);
  line.last = own;
  try {
    return await own;
  } finally {
    line.length -= 1;
    if (line.length === 0) lines.delete(name);
  }
};

type Attempted<R> =
  | { readonly ok: true; readonly value: R }
  | { readonly ok: false; readonly error: unknown; readonly final: boolean };

const attempt = async <R>(session: Session, work: (session: Session) => Promise<R>): Promise<Attempted<R>> => {
  try {
    return { ok: true, value: await work(session) };
  } catch (error) {
    return { ok: false, error, final: (error as { status?: unknown }).status === 408 };
  }
};

/**
 * @param milliseconds after which no further run is begun
 * @throws what `work` throws, nothing written; 449 when others were faster each time
 */
export const runTransaction = async <R>(
  options: SessionOptions & { readonly lines: Lines; readonly milliseconds: number },
  work: (session: Session) => Promise<R>,
): Promise<R> => {
  const { engine, place, values, lines, milliseconds } = options;
  const name = `${place.account}/${place.container.rid}/${partitionPrefix(values, place.container.partitionKey)}`;
  return inLine(lines, name, async () => {
    const started = performance.now();
    for (let number = 0; number < attempts && performance.now() - started < milliseconds; number++) {
      const session = openSession(options);
      const attempted = await attempt(session, work);
      if (!attempted.ok && attempted.final) throw attempted.error;
      try {
        const settle = await inContainer(engine, place, async (scene) => {
          const settled = await session.commit(scene);
          // What failed on reads that do not hold together deserves another run.
          if (!attempted.ok) throw attempted.error;
          return settled;
        });
        settle();
        if (attempted.ok) return attempted.value;
      } catch (error) {
        if (error instanceof Contended) break;
        if (!(error instanceof Stale)) throw error;
      }
      await turn();
    }
    throw cosmosFault("retryWith");
  });
};
