import { html } from "hono/html";
import type { RatedRestaurant, Review } from "../reviews.ts";
import { formSummary, photoField, ratingField, textArea, textField } from "./fields.ts";
import type { FormState } from "./fields.ts";
import { page, plural, stars } from "./layout.ts";
import type { Html } from "./layout.ts";
import { failurePanel } from "./problems.ts";
import type { Failure } from "../failure.ts";

function initial(name: string): string {
  return [...name][0]?.toUpperCase() ?? "·";
}

/** One of six colours, always the same for the same restaurant. */
function colour(id: string): string {
  return `c${Number(BigInt(id) % 6n)}`;
}

function ratingLine(restaurant: RatedRestaurant): Html {
  if (restaurant.averageRating === null) return html`<p class="score none">No reviews yet</p>`;
  return html`<p class="score">
    ${stars(restaurant.averageRating)} <strong>${restaurant.averageRating.toFixed(1)}</strong>
    <span class="muted">${plural(restaurant.reviewCount, "review")}</span>
  </p>`;
}

export function listPage(restaurants: readonly RatedRestaurant[]): Html {
  const reviewCount = restaurants.reduce((sum, each) => sum + each.reviewCount, 0);
  const intro = html`<section class="hero">
    <h1>Good places to eat, told by people who ate there</h1>
    <p>
      ${
        restaurants.length === 0
          ? "No restaurant is listed yet. Add the first one and tell others how it was."
          : `${plural(restaurants.length, "restaurant")}, ${plural(reviewCount, "review")}. Open one to read on, or add your own.`
      }
    </p>
    ${restaurants.length === 0 ? html`<a class="button" href="/restaurants/new">Add the first restaurant</a>` : ""}
  </section>`;
  return page(
    { title: "Restaurants" },
    html`${intro}
      <ul class="cards">
        ${restaurants.map(
          (each) =>
            html`<li class="card">
              <span class="monogram ${colour(each.id)}" aria-hidden="true">${initial(each.name)}</span>
              <div>
                <h2><a href="/restaurants/${each.id}">${each.name}</a></h2>
                <p class="address">${each.streetAddress}</p>
                ${ratingLine(each)}
                <p class="excerpt">${each.description}</p>
              </div>
            </li>`,
        )}
      </ul>`,
  );
}

export function newRestaurantPage(form: FormState, failure?: Failure): Html {
  return page(
    { title: "Add a restaurant" },
    html`<h1>Add a restaurant</h1>
      ${failure ? failurePanel(failure, "The restaurant was not saved; what you wrote is still below.") : ""}
      ${formSummary(form)}
      <form class="panel" method="post" action="/restaurants" novalidate>
        ${textField("name", "Name", form)} ${textField("streetAddress", "Street address", form)}
        ${textArea("description", "Description", form)}
        <button class="button" type="submit">Add restaurant</button>
      </form>`,
  );
}

const DAY = new Intl.DateTimeFormat("en", { dateStyle: "long", timeZone: "UTC" });

function reviewItem(review: Review, photoUrl: (name: string) => string | undefined): Html {
  const url = review.photo === null ? undefined : photoUrl(review.photo);
  return html`<li class="review panel" id="review-${review.id}">
    <header>
      <strong>${review.userName}</strong>
      ${stars(review.rating)}
      <time class="muted" datetime="${review.createdAt.toISOString()}">${DAY.format(review.createdAt)}</time>
    </header>
    <p class="text">${review.text}</p>
    ${
      url === undefined
        ? ""
        : html`<a class="photo" href="${url}"
            ><img src="${url}" alt="Photo by ${review.userName}" loading="lazy" width="640" height="480"
          /></a>`
    }
  </li>`;
}

export interface RestaurantView {
  readonly restaurant: RatedRestaurant;
  readonly reviews: readonly Review[];
  readonly photoUrl: (name: string) => string | undefined;
  readonly photosConfigured: boolean;
  readonly form: FormState;
  readonly notice?: string | undefined;
  readonly failure?: Failure | undefined;
}

export function restaurantPage(view: RestaurantView): Html {
  const { restaurant, reviews, form } = view;
  return page(
    { title: restaurant.name, notice: view.notice },
    html`<section class="place">
        <span class="monogram large ${colour(restaurant.id)}" aria-hidden="true">${initial(restaurant.name)}</span>
        <div>
          <h1>${restaurant.name}</h1>
          <p class="address">${restaurant.streetAddress}</p>
          ${ratingLine(restaurant)}
          <p class="text">${restaurant.description}</p>
        </div>
      </section>
      <div class="columns">
        <section aria-labelledby="reviews-title">
          <h2 id="reviews-title">Reviews</h2>
          ${reviews.length === 0 ? html`<p class="muted">Nobody has written yet. Yours would be the first.</p>` : ""}
          <ul class="reviews">
            ${reviews.map((review) => reviewItem(review, view.photoUrl))}
          </ul>
        </section>
        <section aria-labelledby="add-title" id="add" class="aside">
          <h2 id="add-title">Add your review</h2>
          ${view.failure ? failurePanel(view.failure, "The review was not saved; what you wrote is still below.") : ""}
          ${formSummary(form)}
          <form
            class="panel"
            method="post"
            action="/restaurants/${restaurant.id}/reviews#add"
            enctype="multipart/form-data"
            novalidate
          >
            ${ratingField(form)} ${textField("userName", "Your name", form, "name")}
            ${textArea("text", "Your review", form)}
            ${
              view.photosConfigured
                ? photoField("Photo (optional)", form)
                : html`<p class="hint">Photos are off: the app has no storage account.</p>`
            }
            <button class="button" type="submit">Post review</button>
          </form>
        </section>
      </div>`,
  );
}
