import { createMiddleware } from "hono/factory";

/**
 * Refuses a write that another site's page triggered. Browsers send Sec-Fetch-Site to trustworthy origins and Origin
 * with every POST; a client that sends neither is no browser, and so carries nobody's session.
 * https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Sec-Fetch-Site
 */
export function isCrossSite(method: string, headers: Headers): boolean {
  if (method === "GET" || method === "HEAD" || method === "OPTIONS") return false;
  const site = headers.get("sec-fetch-site");
  if (site !== null) return site !== "same-origin" && site !== "none";
  const origin = headers.get("origin");
  if (origin === null) return false;
  return !URL.canParse(origin) || new URL(origin).host !== headers.get("host");
}

/** The headers of every page. Images may come from this app and from its storage account, and nothing else from anywhere. */
export function securityHeaders(imageOrigin: string | undefined) {
  const policy = [
    "default-src 'none'",
    "style-src 'self'",
    `img-src 'self'${imageOrigin ? ` ${imageOrigin}` : ""}`,
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
  return createMiddleware(async (context, next) => {
    await next();
    context.header("Content-Security-Policy", policy);
    context.header("X-Content-Type-Options", "nosniff");
    context.header("X-Frame-Options", "DENY");
    context.header("Referrer-Policy", "same-origin");
    context.header("Cross-Origin-Opener-Policy", "same-origin");
    context.header("Permissions-Policy", "camera=(), geolocation=(), microphone=()");
  });
}
