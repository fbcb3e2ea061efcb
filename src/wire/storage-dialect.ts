import type { Fault } from "../kernel/fault.ts";
import type { Request } from "../kernel/message.ts";
import type { Dialect, Exchange } from "../kernel/service.ts";
import { escapeXml } from "./xml.ts";

/** The client's version is echoed, however new; a signature's own counts when no header names one (storage.md 4.4, 8). */
const versionOf = (request: Pick<Request, "header" | "query">): string => {
  const version = request.header("x-ms-version") ?? request.query.get("api-version") ?? request.query.get("sv");
  return version !== null && /^\d{4}-\d{2}-\d{2}$/.test(version) ? version : "2021-12-02";
};

/**
 * Storage's answers (storage.md 2): XML errors whose message carries request id and a 7-digit time, `x-ms-error-code` on
 * every error because HEAD and 304 have no body. `detail` members become elements after `Message`.
 */
export const storageDialect: Dialect = {
  name: "storage",
  headers: (exchange: Exchange<unknown>) => {
    const clientId = exchange.request.header("x-ms-client-request-id");
    return {
      server: "Windows-Azure-Blob/1.0 Microsoft-HTTPAPI/2.0",
      "x-ms-request-id": exchange.id,
      "x-ms-version": versionOf(exchange.request),
      date: new Date(exchange.clock.now()).toUTCString(),
      ...(clientId !== undefined && /^[\x21-\x7E ]{1,1024}$/.test(clientId)
        ? { "x-ms-client-request-id": clientId }
        : {}),
    };
  },
  fault: (fault: Fault, exchange: Exchange<unknown>) => {
    const headers = { ...fault.headers, "x-ms-error-code": fault.code };
    if (exchange.request.method === "HEAD" || fault.status === 304) return { status: fault.status, headers };
    const time = new Date(exchange.clock.now()).toISOString().replace("Z", "0000Z");
    const elements = Object.entries(fault.detail)
      .map(([name, value]) => `<${name}>${escapeXml(String(value))}</${name}>`)
      .join("");
    return {
      status: fault.status,
      headers,
      body: {
        type: "application/xml",
        text:
          `\uFEFF<?xml version="1.0" encoding="utf-8"?><Error><Code>${escapeXml(fault.code)}</Code>` +
          `<Message>${escapeXml(fault.message)}\nRequestId:${exchange.id}\nTime:${time}</Message>${elements}</Error>`,
      },
    };
  },
};
