import type { Fault } from "../kernel/fault.ts";
import type { Dialect, Exchange } from "../kernel/service.ts";

/** Microsoft Graph's errors: `{error: {code, message, innerError}}`, dates without a zone (access.md 4.4). */
export const graphDialect: Dialect = {
  name: "graph",
  headers: (exchange: Exchange<unknown>) => ({
    "request-id": exchange.id,
    "client-request-id": exchange.request.header("client-request-id") ?? exchange.id,
    "odata-version": "4.0",
  }),
  fault: (fault: Fault, exchange: Exchange<unknown>) => ({
    status: fault.status,
    headers: fault.headers,
    body: {
      json: {
        error: {
          code: fault.code,
          message: fault.message,
          innerError: {
            date: new Date(exchange.clock.now()).toISOString().slice(0, 19),
            "request-id": exchange.id,
            "client-request-id": exchange.request.header("client-request-id") ?? exchange.id,
          },
        },
      },
    },
  }),
};
