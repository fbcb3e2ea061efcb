import { html } from "hono/html";
import type { Failure } from "../failure.ts";
import { formSummary, photoField } from "./fields.ts";
import type { FormState } from "./fields.ts";
import { page } from "./layout.ts";
import type { Html } from "./layout.ts";
import { failurePanel, missingPanel } from "./problems.ts";

export interface PhotoView {
  readonly urls: readonly string[];
  readonly form: FormState;
  readonly notice?: string | undefined;
  readonly failure?: Failure | undefined;
  readonly missingDatabase: readonly string[];
  readonly missingStorage: readonly string[];
}

/** The wall of photos. Without a database it is also the first page, with a form of its own. */
export function photosPage(view: PhotoView): Html {
  const standalone = view.missingDatabase.length > 0;
  const storage = view.missingStorage.length === 0;
  return page(
    { title: "Photos", notice: view.notice },
    html`<h1>Photos</h1>
      ${
        standalone
          ? missingPanel(
              "PostgreSQL",
              view.missingDatabase,
              storage ? "Until then there are no restaurants and reviews, only photos." : "",
            )
          : ""
      }
      ${storage ? "" : missingPanel("Blob Storage", view.missingStorage, "Until then there are no photos.")}
      ${view.failure ? failurePanel(view.failure) : ""}
      ${
        storage && standalone
          ? html`${formSummary(view.form)}
              <form class="panel row" method="post" action="/photos" enctype="multipart/form-data" novalidate>
                ${photoField("Photo", view.form)}
                <button class="button" type="submit">Upload photo</button>
              </form>`
          : ""
      }
      ${
        storage && !view.failure && view.urls.length === 0
          ? html`<p class="muted">There are no photos yet${standalone ? "" : ". Add one with a review"}.</p>`
          : ""
      }
      <ul class="wall">
        ${view.urls.map(
          (url) =>
            html`<li>
              <a href="${url}"><img src="${url}" alt="Photo by a guest" loading="lazy" width="320" height="240" /></a>
            </li>`,
        )}
      </ul>`,
  );
}
