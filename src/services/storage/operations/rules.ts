/** Requirements and SAS rules that several operations share. */
import { actions, dataActions } from "../actions.ts";
import { lookUp } from "../engine/blobs.ts";
import type { Engine } from "../engine/engine.ts";
import { attributesOf, type BlobCall, blobPlace, type BlobRequirement, type SasRule, scopeOf } from "../target.ts";

export const containerSas = (letters: SasRule["letters"], service = false): SasRule => ({
  resource: "c",
  service,
  letters,
});

export const blobSas = (letters: SasRule["letters"]): SasRule => ({ resource: "o", service: true, letters });

export const serviceSas = (letters: SasRule["letters"]): SasRule => ({ resource: "s", service: false, letters });

/** A data action with the attributes that conditions ask for. */
export const data = (name: (typeof dataActions)[keyof typeof dataActions], subOperation?: string): BlobRequirement => ({
  data: name,
  attributes: attributesOf,
  ...(subOperation === undefined ? {} : { subOperation }),
});

export const containerRead: BlobRequirement = { action: actions.containerRead };
export const containerWrite: BlobRequirement = { action: actions.containerWrite };

/**
 * Write; a blob that does not exist yet also by add alone (storage.md 3.3). That the blob is still new is checked again in
 * the commit, by `createOnly`. Tags in the request need the right to write tags.
 */
export const writeOrAdd = (engine: Engine): BlobRequirement => ({
  depends: async (call) => {
    const write = await writeOrAddOnly(engine, call);
    return call.request.header("x-ms-tags") === undefined ? write : { all: [write, data(dataActions.tagsWrite)] };
  },
  says: `\`${dataActions.write}\` (data), or \`${dataActions.add}\` (data) for a blob that does not exist; with tags \`${dataActions.tagsWrite}\` (data) too`,
});

const writeOrAddOnly = async (engine: Engine, call: BlobCall): Promise<BlobRequirement> => {
  const write = data(dataActions.write);
  const need = {
    kind: "data",
    name: dataActions.write,
    scope: scopeOf(call.target),
    attributes: attributesOf(call),
  } as const;
  if (await call.permits(need)) return write;
  // Without any right nobody learns whether the container exists.
  if (!(await call.permits({ ...need, name: dataActions.add }))) return write;
  if ((await lookUp(engine, blobPlace(call), undefined)) !== undefined) return write;
  call.target.createOnly = true;
  return data(dataActions.add);
};

/** Write or add, whatever exists (append blocks, snapshots). */
export const writeOrAddAlways: BlobRequirement = { any: [data(dataActions.write), data(dataActions.add)] };
