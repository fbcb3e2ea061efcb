/** Headers about whole resources: throughput, preconditions. */
import type { Request } from "../../../kernel/message.ts";
import { badRequest, cosmosFault } from "../faults.ts";
import type { DatabaseRecord, Throughput } from "../engine/records.ts";

/** @throws 400 */
export const checkedThroughput = (throughput: Throughput): Throughput => {
  const units = "manual" in throughput ? throughput.manual : throughput.autoscaleMaximum;
  const [least, step] = "manual" in throughput ? [400, 100] : [1000, 1000];
  if (!Number.isInteger(units) || units < least || units % step !== 0 || units > 1_000_000)
    throw badRequest(
      `The offer should have valid throughput values between ${least} and 1000000 inclusive in increments of ${step}.`,
    );
  return throughput;
};

/** Databases and containers of a serverless account have no throughput. @throws 400 */
export const checkServerless = (serverless: boolean, asked: Throughput | undefined): Throughput | undefined => {
  if (serverless && asked !== undefined)
    throw badRequest("Setting offer throughput or autopilot on container is not supported for serverless accounts.");
  return asked;
};

/** What a container gets that asks for nothing. */
export const standardThroughput = (serverless: boolean, database: DatabaseRecord): Throughput | undefined =>
  serverless || database.throughput !== undefined ? undefined : { manual: 400 };

/** What a create asks to be provisioned. @throws 400 */
export const throughputOf = (request: Pick<Request, "header">): Throughput | undefined => {
  const manual = request.header("x-ms-offer-throughput");
  if (manual !== undefined && manual !== "") return checkedThroughput({ manual: Number(manual) });
  const autoscale = request.header("x-ms-cosmos-offer-autopilot-settings");
  if (autoscale === undefined || autoscale === "") return undefined;
  let settings: unknown;
  try {
    settings = JSON.parse(autoscale);
  } catch {
    settings = undefined;
  }
  const maximum = (settings as { maxThroughput?: unknown } | null | undefined)?.maxThroughput;
  return checkedThroughput({ autoscaleMaximum: Number(maximum) });
};

const bare = (etag: string): string => etag.trim().replaceAll('"', "");

/** @throws 304, 412 */
export const checkPreconditions = (request: Pick<Request, "header" | "method">, etag: string): void => {
  const same = (header: string): boolean =>
    header.split(",").some((each) => each.trim() === "*" || bare(each) === bare(etag));
  const none = request.header("if-none-match");
  if (request.method === "GET" && none !== undefined && same(none))
    throw cosmosFault("notModified", {}, { headers: { etag } });
  const match = request.header("if-match");
  if (request.method !== "GET" && match !== undefined && match !== "" && !same(match))
    throw cosmosFault("preconditionFailed");
};
