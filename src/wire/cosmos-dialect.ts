import type { Fault } from "../kernel/fault.ts";
import type { Dialect, Exchange } from "../kernel/service.ts";

const guid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The client's activity id, when it sent one (cosmos.md 3). */
const activityOf = (exchange: Exchange<unknown>): string => {
  const given = exchange.request.header("x-ms-activity-id");
  return given !== undefined && guid.test(given) ? given : exchange.id;
};

/** Faults of the kernel itself, in this surface's codes. */
const kernelCodes: Readonly<Record<string, readonly [code: string, message: string]>> = {
  RequestBodyTooLarge: ["RequestEntityTooLarge", 'Message: {"Errors":["Request size is too large"]}'],
  InvalidRequestContent: [
    "BadRequest",
    'Message: {"Errors":["The input content is invalid because it is not well-formed JSON."]}',
  ],
};

/**
 * Cosmos DB's answers (cosmos.md 4, 8): errors are always JSON `{code, message}` with `x-ms-substatus`, because clients parse
 * every body that is not empty; 304 has none.
 */
export const cosmosDialect: Dialect = {
  name: "cosmos",
  headers: (exchange: Exchange<unknown>) => ({
    "x-ms-activity-id": activityOf(exchange),
    "x-ms-request-charge": "1",
    "x-ms-schemaversion": "1.19",
    "x-ms-gatewayversion": "version=2.14.0",
    "x-ms-serviceversion": "version=2.14.0.0",
    server: "Microsoft-HTTPAPI/2.0",
    date: new Date(exchange.clock.now()).toUTCString(),
  }),
  fault: (fault: Fault, exchange: Exchange<unknown>) => {
    const { subStatus } = fault.detail;
    const headers = {
      ...fault.headers,
      ...(typeof subStatus === "number" ? { "x-ms-substatus": String(subStatus) } : {}),
    };
    if (fault.status === 304) return { status: 304, headers };
    const [code, message] = kernelCodes[fault.code] ?? [fault.code, fault.message];
    const trail = `\r\nActivityId: ${activityOf(exchange)}, Microsoft.Azure.Documents.Common/2.14.0`;
    return { status: fault.status, headers, body: { json: { code, message: `${message}${trail}` } } };
  },
};
