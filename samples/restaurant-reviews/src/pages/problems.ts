import { html } from "hono/html";
import type { Failure } from "../failure.ts";
import { page } from "./layout.ts";
import type { Html } from "./layout.ts";

/** What failed, and the service's own code: the log line with the rest can be found by it. */
export function failurePanel(failure: Failure, consequence = ""): Html {
  const code = failure.cause["code"] ?? failure.cause["statusCode"] ?? failure.cause["name"];
  return html`<div class="problem" role="alert">
    <h2>${failure.title}</h2>
    <p>${failure.explanation} ${consequence}</p>
    <p class="muted">
      ${failure.service}${code === undefined ? "" : html`: <code>${code}</code>`}. The app's log has the full cause.
    </p>
  </div>`;
}

export function failurePage(failure: Failure): Html {
  return page(
    { title: failure.title },
    html`<h1>This page is not available right now</h1>
      ${failurePanel(failure)}`,
  );
}

export function messagePage(title: string, text: string): Html {
  return page(
    { title },
    html`<h1>${title}</h1>
      <p>${text}</p>
      <p><a href="/">Back to the restaurants</a></p>`,
  );
}

/** Names the settings that a Service Connector connection would have written. */
export function missingPanel(service: string, missing: readonly string[], then: string): Html {
  return html`<section class="problem setup" aria-labelledby="setup-title">
    <h2 id="setup-title">${service} is not connected</h2>
    <p>These app settings are missing. A Service Connector connection with the app's managed identity sets them:</p>
    <ul>
      ${missing.map((name) => html`<li><code>${name}</code></li>`)}
    </ul>
    <p>${then}</p>
  </section>`;
}
