import { queryValue, type Reply } from "../../../kernel/message.ts";
import { dataActions } from "../actions.ts";
import type { Engine } from "../engine/engine.ts";
import { findByTags } from "../engine/find-by-tags.ts";
import { parseTagExpression } from "../engine/tag-expression.ts";
import { storageFault } from "../faults.ts";
import { blobOperation, type BlobCall, type BlobOperation } from "../target.ts";
import { document, element, escapeXml, nameElement } from "../xml.ts";
import { maxResultsOf, tagSetXml } from "./list-blobs.ts";
import { data } from "./rules.ts";

/** Find Blobs by Tags, in the account or in one container (storage.md 3.1). */
export const findByTagsOperations = (engine: Engine): readonly BlobOperation[] =>
  (
    [
      ["/", undefined],
      ["/:container", "container"],
    ] as const
  ).map(([path, restype]) =>
    blobOperation({
      name: "FindBlobsByTags",
      method: "GET",
      path,
      query: { comp: "blobs", ...(restype === undefined ? {} : { restype }) },
      needs: data(dataActions.filter),
      sas: { resource: restype === undefined ? "o" : "c", service: restype !== undefined, letters: { "*": "f" } },
      handle: (call) => find(engine, call),
    }),
  );

const find = async (engine: Engine, call: BlobCall): Promise<Reply> => {
  const where = queryValue(call.request, "where") ?? "";
  const expression = parseTagExpression(where, 20);
  if (expression === undefined) throw storageFault("missingQuery", {}, { detail: { QueryParameterName: "where" } });
  const { account, container } = call.target;
  const marker = queryValue(call.request, "marker");
  const page = await findByTags(engine, account.uid, { expression, container, marker, limit: maxResultsOf(call) });
  const blobs = page.items
    .map(
      ({ name, container: within, tags }) =>
        `<Blob>${nameElement(name)}${element("ContainerName", within)}${tagSetXml(tags)}</Blob>`,
    )
    .join("");
  const text = document(
    `<EnumerationResults ServiceEndpoint="https://${escapeXml(call.request.host)}/">${element("Where", where)}` +
      `<Blobs>${blobs}</Blobs>${page.next === undefined ? "<NextMarker />" : element("NextMarker", page.next)}</EnumerationResults>`,
  );
  return { status: 200, body: { text, type: "application/xml" } };
};
