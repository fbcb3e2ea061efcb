import type { Fault } from "../kernel/fault.ts";
import type { Dialect, Exchange } from "../kernel/service.ts";

/** ARM's JSON errors: `{error: {code, message, details?}}` (access.md 4.1). */
export const armDialect: Dialect = {
  name: "arm",
  headers: (exchange: Exchange<unknown>) => ({
    "cache-control": "no-cache",
    pragma: "no-cache",
    "x-ms-request-id": exchange.id,
    "x-ms-correlation-request-id": exchange.request.header("x-ms-correlation-request-id") ?? exchange.id,
    "x-content-type-options": "nosniff",
  }),
  fault: (fault: Fault, exchange: Exchange<unknown>) => ({
    status: fault.status,
    headers: { ...fault.headers, ...(fault.status >= 400 ? { "x-ms-failure-cause": "gateway" } : {}) },
    ...(exchange.request.method === "HEAD"
      ? {}
      : { body: { json: { error: { code: fault.code, message: fault.message, ...fault.detail } } } }),
  }),
};
