/** Pages that App Service's front end answers with itself. Wording as reported from Azure. */
import type { Reply } from "../kernel/message.ts";

const escaped = (text: string): string => text.replaceAll(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`);

const page = (status: number, title: string, body: string): Reply => ({
  status,
  headers: { "Cache-Control": "no-store" },
  body: {
    text: `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>${escaped(title)}</title>
<style>body{font-family:system-ui,sans-serif;margin:4rem auto;max-width:40rem;padding:0 1rem;line-height:1.5}</style>
</head><body>${body}</body></html>
`,
    type: "text/html; charset=utf-8",
  },
});

/** No code was deployed, or nothing that could be started. */
export const defaultPage = (site: string): Reply =>
  page(
    200,
    site,
    `<h1>Your web app is running and waiting for your content</h1>
<p>Your web app <b>${escaped(site)}</b> is live, but we don't have your content yet. If you have already deployed,
it could be that nothing in it could be started: see the log stream, and set a startup command.</p>`,
  );

export const stoppedPage = (): Reply =>
  page(
    403,
    "Web App - Unavailable",
    `<h1>Error 403 - This web app is stopped.</h1>
<p>The web app you have attempted to reach is currently stopped and does not accept any requests. Please try to reload
the page or visit it again soon.</p>
<p>If you are the web app administrator, please find the common 403 error scenarios and resolution in the documentation.</p>`,
  );

export const failedPage = (): Reply =>
  page(
    503,
    "Application Error",
    `<h1>:( Application Error</h1>
<p>If you are the application administrator, you can access the diagnostic resources.</p>`,
  );

export const unreachablePage = (): Reply =>
  page(
    502,
    "502 - Web server received an invalid response",
    `<h1>502 - Web server received an invalid response while acting as a gateway or proxy server.</h1>
<p>The app closed the connection or does not listen on its port.</p>`,
  );

export const timeoutPage = (): Reply =>
  page(
    504,
    "504.0 GatewayTimeout",
    `<h1>504.0 GatewayTimeout</h1><p>The app sent nothing within the time limit of the front end.</p>`,
  );
