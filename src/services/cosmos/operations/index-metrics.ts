import type { Request } from "../../../kernel/message.ts";
import type { IndexUtilization } from "../query/index-utilization.ts";
import { flag } from "../target.ts";

/** The older form: four flat lists. */
const flat = ({ Utilized, Potential }: IndexUtilization): Record<string, unknown> => ({
  UtilizedSingleIndexes: Utilized.SingleIndexes,
  PotentialSingleIndexes: Potential.SingleIndexes,
  UtilizedCompositeIndexes: Utilized.CompositeIndexes,
  PotentialCompositeIndexes: Potential.CompositeIndexes,
});

export const wantsIndexMetrics = (request: Pick<Request, "header">): boolean =>
  flag(request, "x-ms-cosmos-populateindexmetrics-v2") || flag(request, "x-ms-cosmos-populateindexmetrics");

/**
 * Index metrics, when they were asked for: percent-encoded for those who name version 2 (JavaScript, .NET), base64 for the
 * rest, as azure-cosmos for Python and Java decode them.
 */
export const indexMetrics = (request: Pick<Request, "header">, indexes: IndexUtilization): Record<string, string> => {
  if (flag(request, "x-ms-cosmos-populateindexmetrics-v2"))
    return { "x-ms-cosmos-index-utilization": encodeURIComponent(JSON.stringify(indexes)) };
  if (flag(request, "x-ms-cosmos-populateindexmetrics"))
    return { "x-ms-cosmos-index-utilization": Buffer.from(JSON.stringify(flat(indexes))).toString("base64") };
  return {};
};
