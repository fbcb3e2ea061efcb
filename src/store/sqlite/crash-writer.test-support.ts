/**
 * A process that is there to be killed: 16 writers put rows with contents, small and large, over and over, and print
 * `key version` once each is acknowledged. Arguments: state folder, first version.
 */
import { createHash, randomBytes, randomInt } from "node:crypto";
import type { CollectionSpec } from "../store.ts";
import { openSqliteStore } from "./store.ts";

export interface Document {
  readonly version: number;
  readonly ref: string;
  readonly md5: string;
}

export const documents: CollectionSpec<Document> = { name: "documents", indexes: { byRef: (value) => value.ref } };
/** Written in the same transaction: holds the same version, or a transaction was torn. */
export const twins: CollectionSpec<number> = { name: "twins" };
export const crashKey = Buffer.alloc(32, 3);
export const crashPartition = "crash";

const KEYS_EACH = 10;

const write = async (directory: string, first: number): Promise<void> => {
  const store = openSqliteStore({ directory, key: crashKey });
  let version = first;
  const writer = async (number: number): Promise<void> => {
    for (let i = 0; ; i++) {
      const key = `${number}-${i % KEYS_EACH}`;
      const content = randomBytes(randomInt(8) === 0 ? randomInt(65_000, 400_000) : randomInt(8192));
      const md5 = createHash("md5").update(content).digest("hex");
      const mine = ++version;
      const upload = await store.bytes.receive(
        (async function* () {
          yield content.subarray(0, 1000);
          yield content.subarray(1000);
        })(),
      );
      await store.transact([crashPartition], async (tx) => {
        const before = await tx.collection(documents).get(crashPartition, key);
        if (before) tx.release(before.value.ref);
        tx.attach(upload);
        await tx.collection(documents).put(crashPartition, key, { version: mine, ref: upload.ref, md5 });
        await tx.collection(twins).put(crashPartition, key, mine);
      });
      process.stdout.write(`${key} ${mine}\n`);
    }
  };
  await Promise.all(Array.from({ length: 16 }, (_, number) => writer(number)));
};

const [, script, directory, first] = process.argv;
if (script === import.meta.filename && directory) await write(directory, Number(first));
