import { html } from "hono/html";

/** Markup whose interpolated text was escaped by hono's `html`. */
export type Html = ReturnType<typeof html>;

export interface PageOptions {
  readonly title: string;
  /** A line of good news above the content, after something was saved. */
  readonly notice?: string | undefined;
}

export function page(options: PageOptions, content: Html): Html {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${options.title} · Tableside</title>
        <link rel="icon" href="/icon.svg" type="image/svg+xml" />
        <link rel="stylesheet" href="/style.css" />
      </head>
      <body>
        <a class="skip" href="#main">Skip to content</a>
        <header class="top">
          <div class="wrap">
            <a class="brand" href="/"><img src="/icon.svg" alt="" width="34" height="34" /><span>Tableside</span></a>
            <nav aria-label="Main">
              <a href="/">Restaurants</a>
              <a href="/photos">Photos</a>
              <a class="button" href="/restaurants/new">Add a restaurant</a>
            </nav>
          </div>
        </header>
        <main id="main" class="wrap">
          ${options.notice ? html`<p class="notice" role="status">${options.notice}</p>` : ""} ${content}
        </main>
        <footer class="wrap">
          <p>Restaurant reviews: Azure App Service, PostgreSQL and Blob Storage, without a single password.</p>
        </footer>
      </body>
    </html>`;
}

/** Five stars, filled to the nearest half, with the figure for those who cannot see them. */
export function stars(rating: number): Html {
  const halves = Math.round(rating * 2);
  const label = `${Number(rating.toFixed(1))} out of 5 stars`;
  return html`<span class="stars s${halves}" role="img" aria-label="${label}"></span>`;
}

export function plural(count: number, one: string): string {
  return `${count} ${one}${count === 1 ? "" : "s"}`;
}
