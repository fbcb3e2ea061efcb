import type { Fault } from "../kernel/fault.ts";
import type { Dialect, Exchange } from "../kernel/service.ts";

/**
 * Entra's OAuth errors (access.md 4.5). A fault's code is the OAuth error; `detail.number` is the AADSTS number, whose text is
 * the fault's message.
 */
export const oauthDialect: Dialect = {
  name: "oauth",
  headers: (exchange: Exchange<unknown>) => ({
    "cache-control": "no-store, no-cache",
    pragma: "no-cache",
    "x-ms-request-id": exchange.id,
    "x-ms-ests-server": "2.1.0 - LANYARD",
    "strict-transport-security": "max-age=31536000; includeSubDomains",
    "x-content-type-options": "nosniff",
  }),
  fault: (fault: Fault, exchange: Exchange<unknown>) => {
    const { number, ...extra } = fault.detail as { number?: number; [key: string]: unknown };
    const code = number ?? (fault.status >= 500 ? 90033 : 9002313);
    const correlation = correlationId(exchange);
    const timestamp = new Date(exchange.clock.now())
      .toISOString()
      .replace("T", " ")
      .replace(/\.\d+Z$/, "Z");
    const trace = `Trace ID: ${exchange.id} Correlation ID: ${correlation} Timestamp: ${timestamp}`;
    return {
      status: fault.status,
      headers: fault.headers,
      body: {
        json: {
          error: number === undefined ? (fault.status >= 500 ? "server_error" : "invalid_request") : fault.code,
          error_description: `AADSTS${code}: ${fault.message} ${trace}`,
          error_codes: [code],
          timestamp,
          trace_id: exchange.id,
          correlation_id: correlation,
          error_uri: `https://login.microsoftonline.com/error?code=${code}`,
          ...extra,
        },
      },
    };
  },
};

const correlationId = (exchange: Exchange<unknown>): string => {
  const given = exchange.request.query.get("client-request-id") ?? exchange.request.header("client-request-id");
  return given !== null && given !== undefined && /^[0-9a-f-]{36}$/i.test(given) ? given : exchange.id;
};
