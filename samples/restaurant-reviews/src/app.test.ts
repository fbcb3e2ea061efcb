import assert from "node:assert/strict";
import { test } from "node:test";
import { createApp } from "./app.ts";
import type { Services } from "./app.ts";
import { databaseFailure, storageFailure } from "./failure.ts";
import { PHOTO_LIMIT_BYTES } from "./photos.ts";
import type { Photos } from "./photos.ts";
import type { NewRestaurant, NewReview, Reviews } from "./reviews.ts";

const PNG = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 1, 2, 3]);
const ORIGIN = "http://reviews.test";

function world(overrides: Partial<Services> = {}) {
  const restaurants: (NewRestaurant & { id: string })[] = [];
  const saved: NewReview[] = [];
  const stored = new Map<string, Uint8Array>();
  const lines: string[] = [];
  const reviews: Reviews = {
    restaurants: async () => restaurants.map((each) => ({ ...each, reviewCount: saved.length, averageRating: null })),
    async restaurant(id) {
      const found = restaurants.find((each) => each.id === id);
      return found && { ...found, reviewCount: saved.length, averageRating: saved.length > 0 ? 4.5 : null };
    },
    reviewsOf: async () => saved.map((each, index) => ({ ...each, id: String(index + 1), createdAt: new Date(0) })),
    async addRestaurant(restaurant) {
      restaurants.push({ ...restaurant, id: String(restaurants.length + 1) });
      return String(restaurants.length);
    },
    async addReview(_id, review) {
      saved.push(review);
    },
    ping: async () => undefined,
  };
  const photos: Photos = {
    origin: "https://account.blob.core.windows.net",
    url: (name) => `https://account.blob.core.windows.net/photos/${name}`,
    async add(bytes, type) {
      const name = `photo-${stored.size + 1}.${type.extension}`;
      stored.set(name, bytes);
      return name;
    },
    async remove(name) {
      stored.delete(name);
    },
    latest: async () => [...stored.keys()],
  };
  const app = createApp({
    reviews,
    photos,
    missingDatabase: [],
    missingStorage: [],
    log: (level, event, details) => lines.push(JSON.stringify({ level, event, ...details })),
    ...overrides,
  });
  const get = async (path: string) => app.request(`${ORIGIN}${path}`);
  const post = async (path: string, fields: Record<string, string | File>, headers: Record<string, string> = {}) => {
    const body = new FormData();
    for (const [name, value] of Object.entries(fields)) body.set(name, value);
    return app.request(`${ORIGIN}${path}`, { method: "POST", body, headers: { host: "reviews.test", ...headers } });
  };
  return { app, get, post, reviews, photos, restaurants, saved, stored, lines };
}

const BISTRO = { name: "Bistro", streetAddress: "1 Main Street", description: "Small." };
const REVIEW = { rating: "5", userName: "Ann", text: "Good." };

test("a restaurant is added, opened and reviewed with a photo that is shown from the storage account", async () => {
  const { get, post, saved, stored } = world();
  const added = await post("/restaurants", { ...BISTRO, name: "  Bistro <b>&</b>  " }, { origin: ORIGIN });
  assert.equal(added.status, 303);
  assert.equal(added.headers.get("location"), "/restaurants/1?saved=restaurant");

  const photo = new File([PNG], "dish.exe", { type: "application/x-anything" });
  const reviewed = await post("/restaurants/1/reviews", { ...REVIEW, text: "<script>alert(1)</script>", photo });
  assert.equal(reviewed.status, 303);
  assert.equal(saved[0]?.photo, "photo-1.png");
  assert.deepEqual(stored.get("photo-1.png"), PNG);

  const page = await (await get("/restaurants/1?saved=review")).text();
  assert.match(page, /Bistro &lt;b&gt;&amp;&lt;\/b&gt;/);
  assert.match(page, /&lt;script&gt;alert\(1\)&lt;\/script&gt;/);
  assert.doesNotMatch(page, /<script/);
  assert.match(page, /<img src="https:\/\/account\.blob\.core\.windows\.net\/photos\/photo-1\.png"/);
  assert.match(page, /4\.5 out of 5 stars/);
  assert.match(page, /your review is published/);
});

test("a form with mistakes comes back with a message for each and with what was typed", async () => {
  const { post, restaurants, saved } = world();
  const answer = await post("/restaurants", { name: 'Caf"é', streetAddress: " ", description: "x".repeat(601) });
  assert.equal(answer.status, 422);
  const page = await answer.text();
  assert.match(page, /Please enter a street address\./);
  assert.match(page, /at most 600 characters \(these are 601\)/);
  assert.match(page, /value="Caf&quot;é"/);
  assert.equal(restaurants.length, 0);

  await post("/restaurants", BISTRO);
  for (const rating of ["0", "6", "5.0", "five", ""]) {
    const refused = await post("/restaurants/1/reviews", { ...REVIEW, rating });
    assert.equal(refused.status, 422, rating);
    assert.match(await refused.text(), /choose a rating from 1 to 5/);
  }
  assert.equal(saved.length, 0);
});

test("only images are taken, whatever the file calls itself, and none above 5 MB", async () => {
  const { post, stored } = world();
  await post("/restaurants", BISTRO);
  const svg = new File(['<svg xmlns="http://www.w3.org/2000/svg"/>'], "photo.png", { type: "image/png" });
  const refused = await post("/restaurants/1/reviews", { ...REVIEW, photo: svg });
  assert.equal(refused.status, 422);
  assert.match(await refused.text(), /not a PNG, JPEG, GIF or WebP image/);

  const large = new Uint8Array(PHOTO_LIMIT_BYTES + 1);
  large.set(PNG);
  const tooLarge = await post("/restaurants/1/reviews", { ...REVIEW, photo: new File([large], "large.png") });
  assert.equal(tooLarge.status, 422);
  assert.match(await tooLarge.text(), /larger than 5 MB/);

  const huge = await post("/restaurants/1/reviews", { ...REVIEW, photo: new File([large, large], "huge.png") });
  assert.equal(huge.status, 413);
  assert.equal(stored.size, 0);
});

test("a form sent from another site is refused, by Sec-Fetch-Site or by Origin", async () => {
  const { post, restaurants } = world();
  for (const headers of [
    { "sec-fetch-site": "cross-site", origin: ORIGIN },
    { "sec-fetch-site": "same-site", origin: "http://other.reviews.test" },
    { origin: "http://evil.test" },
    { origin: "null" },
  ]) {
    assert.equal((await post("/restaurants", BISTRO, headers)).status, 403, JSON.stringify(headers));
  }
  assert.equal(restaurants.length, 0);
  assert.equal((await post("/restaurants", BISTRO, { "sec-fetch-site": "same-origin" })).status, 303);
});

test("every answer carries the security headers, and images may come from the storage account only", async () => {
  const { get } = world();
  for (const path of ["/", "/nothing-here", "/style.css", "/health"]) {
    const { headers } = await get(path);
    const policy = headers.get("content-security-policy") ?? "";
    assert.match(policy, /default-src 'none'/, path);
    assert.match(policy, /img-src 'self' https:\/\/account\.blob\.core\.windows\.net;/, path);
    assert.equal(headers.get("x-content-type-options"), "nosniff", path);
  }
});

test("a refusal by storage is shown with what was typed, logged with its cause, and nothing is saved", async () => {
  const { photos, ...rest } = world();
  const refusal = Object.assign(
    new Error("This request is not authorized to perform this operation using this permission."),
    {
      name: "RestError",
      statusCode: 403,
      code: "AuthorizationPermissionMismatch",
    },
  );
  const add = () => Promise.reject(storageFailure(refusal));
  const { post, saved, lines } = world({ photos: { ...photos, add } });
  await post("/restaurants", BISTRO);
  const answer = await post("/restaurants/1/reviews", { ...REVIEW, photo: new File([PNG], "dish.png") });
  assert.equal(answer.status, 502);
  const page = await answer.text();
  assert.match(page, /Blob Storage refused access/);
  assert.match(page, /Storage Blob Data Contributor/);
  assert.match(page, /AuthorizationPermissionMismatch/);
  assert.match(page, /value="Ann"/);
  assert.equal(saved.length, 0);
  assert.equal(rest.saved.length, 0);
  assert.match(lines.join("\n"), /"service":"Blob Storage".*"code":"AuthorizationPermissionMismatch","statusCode":403/);
});

test("a login that PostgreSQL refuses is shown on the page and in the log", async () => {
  const base = world();
  const refused = Object.assign(new Error('password authentication failed for user "aad_database"'), { code: "28P01" });
  const { get, lines } = world({
    reviews: { ...base.reviews, restaurants: () => Promise.reject(databaseFailure(refused)) },
  });
  const answer = await get("/");
  assert.equal(answer.status, 502);
  assert.match(await answer.text(), /The database refused the login/);
  assert.match(lines[0] ?? "", /"message":"password authentication failed for user \\"aad_database\\"","code":"28P01"/);
});

test("a review that cannot be saved leaves no photo behind", async () => {
  const base = world();
  await base.post("/restaurants", BISTRO);
  const lost = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
  const reviews = { ...base.reviews, addReview: () => Promise.reject(databaseFailure(lost)) };
  const { post } = world({ reviews, photos: base.photos });
  const answer = await post("/restaurants/1/reviews", { ...REVIEW, photo: new File([PNG], "dish.png") });
  assert.equal(answer.status, 503);
  assert.match(await answer.text(), /The database cannot be reached/);
  assert.equal(base.stored.size, 0);
});

test("without a database the app names the missing settings and still takes photos", async () => {
  const missingDatabase = ["AZURE_POSTGRESQL_HOST", "AZURE_POSTGRESQL_USER"];
  const { get, post, stored } = world({ reviews: undefined, missingDatabase });
  const page = await (await get("/")).text();
  assert.match(page, /PostgreSQL is not connected/);
  assert.match(page, /<code>AZURE_POSTGRESQL_USER<\/code>/);
  assert.equal((await post("/photos", { photo: new File([PNG], "a.png") })).status, 303);
  assert.equal(stored.size, 1);
  assert.match(await (await get("/photos")).text(), /photos\/photo-1\.png/);
  assert.equal((await get("/health")).status, 200);
});

test("without any connection the page names all missing settings", async () => {
  const { get } = world({
    reviews: undefined,
    missingDatabase: ["AZURE_POSTGRESQL_HOST"],
    photos: undefined,
    missingStorage: ["AZURE_STORAGEBLOB_RESOURCEENDPOINT"],
  });
  const answer = await get("/");
  assert.equal(answer.status, 200);
  const page = await answer.text();
  assert.match(page, /AZURE_POSTGRESQL_HOST/);
  assert.match(page, /AZURE_STORAGEBLOB_RESOURCEENDPOINT/);
});

test("health is 503 while the database does not answer, and says nothing secret", async () => {
  const base = world();
  const ping = () => Promise.reject(new Error("token eyJ"));
  const answer = await world({ reviews: { ...base.reviews, ping } }).get("/health");
  assert.equal(answer.status, 503);
  assert.deepEqual(await answer.json(), { status: "failing", database: "failing", storage: "configured" });
});

test("unknown pages, absurd ids and broken forms get clear answers, never a crash", async () => {
  const { app, get, lines } = world();
  for (const path of [
    "/restaurants/99",
    "/restaurants/0",
    "/restaurants/abc",
    `/restaurants/${"9".repeat(40)}`,
    "/%00",
  ]) {
    assert.equal((await get(path)).status, 404, path);
  }
  const broken = {
    method: "POST",
    body: "--x\r\nbroken",
    headers: { "content-type": "multipart/form-data; boundary=x" },
  };
  assert.equal((await app.request(`${ORIGIN}/restaurants`, broken)).status, 400);
  const json = { method: "POST", body: "{}", headers: { "content-type": "application/json" } };
  assert.equal((await app.request(`${ORIGIN}/restaurants`, json)).status, 400);
  assert.deepEqual(lines, []);
});
