import type { Engine } from "./engine.ts";
import { listContainers, type Page } from "./listing.ts";
import { type BlobRecord, blobSpec, containerPartition, type Tags } from "./records.ts";
import { type TagExpression, tagsMatch } from "./tag-expression.ts";

export interface TaggedBlob {
  readonly container: string;
  readonly name: string;
  readonly tags: Tags;
}

/** An equality that every match must meet, to look up by index. */
const certain = (expression: TagExpression): string | undefined => {
  if (expression.kind === "compare")
    return expression.operator === "=" && !expression.key.startsWith("@")
      ? `${expression.key}=${expression.value}`
      : undefined;
  return expression.kind === "and" ? (certain(expression.left) ?? certain(expression.right)) : undefined;
};

const piece = 1000;
const everything = 1_000_000;

/** Blobs whose tags match, by container and name. */
export const findByTags = async (
  engine: Engine,
  account: string,
  options: {
    readonly expression: TagExpression;
    readonly container: string | undefined;
    readonly marker: string | undefined;
    readonly limit: number;
  },
): Promise<Page<TaggedBlob>> => {
  const { expression, limit } = options;
  const all = await listContainers(engine, account, {
    prefix: options.container ?? "",
    marker: undefined,
    limit: everything,
  });
  const containers = all.items.filter(({ name }) => options.container === undefined || name === options.container);
  const found: TaggedBlob[] = [];
  for (const { name: container, record } of containers)
    for await (const { key, value } of candidates(engine, containerPartition(account, record.uid), certain(expression)))
      if (value.tags !== undefined && tagsMatch(expression, { ...value.tags, "@container": container }))
        found.push({ container, name: key, tags: value.tags });
  const from = options.marker === undefined || options.marker === "" ? 0 : positionAfter(found, options.marker);
  const items = found.slice(from, from + limit);
  const end = items.at(-1);
  const more = from + limit < found.length && end !== undefined;
  return { items, next: more ? Buffer.from(`${end.container}/${end.name}`).toString("base64url") : undefined };
};

const positionAfter = (found: readonly TaggedBlob[], marker: string): number => {
  const place = Buffer.from(marker, "base64url");
  const at = found.findIndex(({ container, name }) => Buffer.compare(Buffer.from(`${container}/${name}`), place) > 0);
  return at < 0 ? found.length : at;
};

async function* candidates(
  engine: Engine,
  own: string,
  equality: string | undefined,
): AsyncGenerator<{ readonly key: string; readonly value: BlobRecord }> {
  const rows = engine.store.collection(blobSpec);
  let after: string | undefined;
  for (;;) {
    const range = { limit: piece, ...(after === undefined ? {} : { after }) };
    const found = equality === undefined ? await rows.list(own, range) : await rows.find(own, "tag", equality, range);
    yield* found;
    after = found.at(-1)?.key;
    if (found.length < piece) return;
  }
}
