import type { Fault } from "../kernel/fault.ts";
import type { Dialect, Exchange } from "../kernel/service.ts";

/** Key Vault's JSON errors: `{error: {code, message, innererror?: {code}}}`, and the headers of every answer (access.md 4.2). */
export const keyVaultDialect: Dialect = {
  name: "key-vault",
  headers: (exchange: Exchange<unknown>) => ({
    "cache-control": "no-cache",
    pragma: "no-cache",
    expires: "-1",
    "x-ms-request-id": exchange.id,
    "x-ms-keyvault-service-version": "1.9.0.0",
    "x-ms-keyvault-network-info": `conn_type=Ipv4;addr=${exchange.request.remoteAddress};act_addr_fam=InterNetwork;`,
    "x-content-type-options": "nosniff",
    "strict-transport-security": "max-age=31536000;includeSubDomains",
  }),
  fault: (fault: Fault, exchange: Exchange<unknown>) => ({
    status: fault.status,
    headers: fault.headers,
    ...(exchange.request.method === "HEAD"
      ? {}
      : { body: { json: { error: { code: fault.code, message: fault.message, ...fault.detail } } } }),
  }),
};
