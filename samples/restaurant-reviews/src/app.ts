import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { Hono } from "hono";
import type { Context } from "hono";
import { bodyLimit } from "hono/body-limit";
import { ServiceError } from "./failure.ts";
import type { Failure } from "./failure.ts";
import { parsePhoto, parseRestaurant, parseReview, PHOTO_TOO_LARGE } from "./forms.ts";
import { isCrossSite, securityHeaders } from "./guard.ts";
import type { Log } from "./log.ts";
import { EMPTY_FORM } from "./pages/fields.ts";
import type { FormState } from "./pages/fields.ts";
import type { Html } from "./pages/layout.ts";
import { photosPage } from "./pages/photos.ts";
import { failurePage, messagePage } from "./pages/problems.ts";
import { listPage, newRestaurantPage, restaurantPage } from "./pages/restaurants.ts";
import { PHOTO_LIMIT_BYTES } from "./photos.ts";
import type { Photos } from "./photos.ts";
import type { RatedRestaurant, Reviews } from "./reviews.ts";

export interface Services {
  readonly log: Log;
  /** Absent when the app has no database; then the missing settings are named. */
  readonly reviews: Reviews | undefined;
  readonly missingDatabase: readonly string[];
  readonly photos: Photos | undefined;
  readonly missingStorage: readonly string[];
}

type Status = 200 | 422 | 502 | 503;

/** The web app, free of sockets: `app.fetch(request)` answers. */
export function createApp(services: Services): Hono {
  const { log, reviews, photos } = services;
  const app = new Hono();

  app.use(securityHeaders(photos?.origin));
  app.use(async (context, next) => {
    if (!isCrossSite(context.req.method, context.req.raw.headers)) return next();
    log("warn", "request.cross-site", { path: context.req.path, origin: context.req.header("origin") });
    return context.html(messagePage("Request refused", "This form was sent from another site."), 403);
  });
  app.use(
    // Room for the other fields and the multipart frame around the largest photo.
    bodyLimit({
      maxSize: PHOTO_LIMIT_BYTES + 256 * 1024,
      onError: (context) => context.html(messagePage("Too large", PHOTO_TOO_LARGE), 413),
    }),
  );

  serveFile(app, "/style.css", "text/css; charset=utf-8");
  serveFile(app, "/icon.svg", "image/svg+xml");

  function logFailure(context: Context, failure: Failure): void {
    const { service, title, cause } = failure;
    log("error", "request.failed", { service, title, ...cause, method: context.req.method, path: context.req.path });
  }

  /** Shows `render`'s page with the failure in it when one of the services behind the app failed. */
  function recovered(
    context: Context,
    error: unknown,
    render: (failure: Failure) => Html,
  ): Response | Promise<Response> {
    if (!(error instanceof ServiceError)) throw error;
    logFailure(context, error.failure);
    return context.html(render(error.failure), error.failure.status);
  }

  async function restaurantView(
    restaurant: RatedRestaurant,
    from: Reviews,
    state: { form: FormState; notice?: string | undefined; failure?: Failure },
  ): Promise<Html> {
    return restaurantPage({
      restaurant,
      reviews: await from.reviewsOf(restaurant.id),
      photoUrl: (name) => photos?.url(name),
      photosConfigured: photos !== undefined,
      ...state,
    });
  }

  async function photoWall(
    context: Context,
    state: { form: FormState; notice?: string | undefined; failure?: Failure },
    status: Status = 200,
  ): Promise<Response> {
    let { failure } = state;
    let names: string[] = [];
    try {
      if (photos && !failure) names = await photos.latest();
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      failure = error.failure;
    }
    if (failure) logFailure(context, failure);
    const urls = photos ? names.map((name) => photos.url(name)) : [];
    const { missingDatabase, missingStorage } = services;
    return context.html(
      photosPage({ ...state, failure, urls, missingDatabase, missingStorage }),
      failure?.status ?? status,
    );
  }

  app.get("/health", async (context) => {
    const database = reviews
      ? await reviews.ping().then(
          () => "ok",
          () => "failing",
        )
      : "not configured";
    const storage = photos ? "configured" : "not configured";
    const ok = database !== "failing";
    return context.json({ status: ok ? "ok" : "failing", database, storage }, ok ? 200 : 503);
  });

  app.get("/", async (context) => {
    if (!reviews) return photoWall(context, { form: EMPTY_FORM, notice: noticeOf(context) });
    return context.html(listPage(await reviews.restaurants()));
  });

  app.get("/photos", (context) => photoWall(context, { form: EMPTY_FORM, notice: noticeOf(context) }));

  app.post("/photos", async (context) => {
    // With a database a photo belongs to a review.
    if (reviews || !photos) return context.notFound();
    const form = await readForm(context);
    const { upload, error } = await parsePhoto(form);
    if (!upload) {
      const errors = { photo: error ?? "Please choose a photo." };
      return photoWall(context, { form: { values: {}, errors } }, 422);
    }
    try {
      await photos.add(upload.bytes, upload.type);
    } catch (failure) {
      if (!(failure instanceof ServiceError)) throw failure;
      return photoWall(context, { form: EMPTY_FORM, failure: failure.failure });
    }
    return context.redirect("/photos?saved=photo", 303);
  });

  app.get("/restaurants/new", (context) => {
    if (!reviews) return context.redirect("/", 303);
    return context.html(newRestaurantPage(EMPTY_FORM));
  });

  app.post("/restaurants", async (context) => {
    if (!reviews) return context.notFound();
    const form = await readForm(context);
    const parsed = parseRestaurant(form);
    if (!parsed.ok) return context.html(newRestaurantPage(parsed), 422);
    try {
      const id = await reviews.addRestaurant(parsed.value);
      return context.redirect(`/restaurants/${id}?saved=restaurant`, 303);
    } catch (error) {
      return recovered(context, error, (failure) =>
        newRestaurantPage({ values: { ...parsed.value }, errors: {} }, failure),
      );
    }
  });

  app.get("/restaurants/:id{[1-9][0-9]{0,17}}", async (context) => {
    const restaurant = await reviews?.restaurant(context.req.param("id"));
    if (!reviews || !restaurant) return context.notFound();
    return context.html(await restaurantView(restaurant, reviews, { form: EMPTY_FORM, notice: noticeOf(context) }));
  });

  app.post("/restaurants/:id{[1-9][0-9]{0,17}}/reviews", async (context) => {
    const restaurant = await reviews?.restaurant(context.req.param("id"));
    if (!reviews || !restaurant) return context.notFound();
    const parsed = await parseReview(await readForm(context));
    if (!parsed.ok) return context.html(await restaurantView(restaurant, reviews, { form: parsed }), 422);
    const { upload, ...review } = parsed.value;
    try {
      await saveReview(reviews, restaurant.id, review, upload);
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      const values = { userName: review.userName, text: review.text, rating: String(review.rating) };
      const form = { values, errors: {} };
      const shown = await restaurantView(restaurant, reviews, { form, failure: error.failure });
      return recovered(context, error, () => shown);
    }
    return context.redirect(`/restaurants/${restaurant.id}?saved=review#main`, 303);
  });

  async function saveReview(
    into: Reviews,
    restaurantId: string,
    review: { userName: string; rating: number; text: string },
    upload: Parameters<typeof storePhoto>[0] | undefined,
  ): Promise<void> {
    const photo = upload ? await storePhoto(upload) : null;
    try {
      await into.addReview(restaurantId, { ...review, photo });
    } catch (error) {
      // Nobody would ever see this photo. If it cannot be removed either, the first error still is the one to show.
      if (photo !== null) {
        await photos
          ?.remove(photo)
          .catch((left: unknown) => log("warn", "photo.left-behind", { photo, message: String(left) }));
      }
      throw error;
    }
  }

  async function storePhoto({
    bytes,
    type,
  }: {
    bytes: Uint8Array;
    type: Parameters<Photos["add"]>[1];
  }): Promise<string | null> {
    return photos ? photos.add(bytes, type) : null;
  }

  app.notFound((context) => context.html(messagePage("Not found", "There is no such page."), 404));

  app.onError((error, context) => {
    if (error instanceof ServiceError) return recovered(context, error, failurePage);
    if (error instanceof BadForm) return context.html(messagePage("Bad request", error.message), 400);
    log("error", "request.crashed", { message: error.message, stack: error.stack, path: context.req.path });
    return context.html(messagePage("Something went wrong", "The app made a mistake. Its log has the details."), 500);
  });

  return app;
}

class BadForm extends Error {}

async function readForm(context: Context): Promise<FormData> {
  try {
    return await context.req.formData();
  } catch {
    throw new BadForm("The form could not be read.");
  }
}

const NOTICES: Readonly<Record<string, string>> = {
  restaurant: "The restaurant is on the list. Be the first to review it.",
  review: "Thank you: your review is published.",
  photo: "The photo is stored.",
};

function noticeOf(context: Context): string | undefined {
  const saved = context.req.query("saved");
  return saved !== undefined && Object.hasOwn(NOTICES, saved) ? NOTICES[saved] : undefined;
}

/** Files beside `src` and `dist`, read once at start. */
function serveFile(app: Hono, path: string, contentType: string): void {
  const bytes = readFileSync(new URL(`../public${path}`, import.meta.url));
  const etag = `"${createHash("sha256").update(bytes).digest("base64url").slice(0, 22)}"`;
  app.get(path, (context) => {
    const headers = { "Content-Type": contentType, "Cache-Control": "public, max-age=300", ETag: etag };
    if (context.req.header("if-none-match") === etag) return context.body(null, 304, headers);
    return context.body(new Uint8Array(bytes), 200, headers);
  });
}
