import { PHOTO_LIMIT_BYTES, sniffImage } from "./photos.ts";
import type { ImageType } from "./photos.ts";
import type { NewRestaurant, NewReview } from "./reviews.ts";

export type FormValues = Readonly<Record<string, string>>;
export type FormErrors = Readonly<Record<string, string>>;
export interface Upload {
  readonly bytes: Uint8Array;
  readonly type: ImageType;
}

export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly values: FormValues; readonly errors: FormErrors };

interface Field {
  readonly name: string;
  readonly label: string;
  readonly max: number;
  readonly multiline?: boolean;
}

const RESTAURANT_FIELDS: readonly Field[] = [
  { name: "name", label: "a name", max: 80 },
  { name: "streetAddress", label: "a street address", max: 120 },
  { name: "description", label: "a description", max: 600, multiline: true },
];
const REVIEW_FIELDS: readonly Field[] = [
  { name: "userName", label: "your name", max: 60 },
  { name: "text", label: "your review", max: 2000, multiline: true },
];

/** Longest text of each field, for `maxlength` in the pages. */
export const LIMITS: Readonly<Record<string, number>> = Object.fromEntries(
  [...RESTAURANT_FIELDS, ...REVIEW_FIELDS].map((field) => [field.name, field.max]),
);

/** Reads text fields: trimmed, line ends as LF, control characters removed (PostgreSQL refuses NUL in text). */
function readTexts(
  form: FormData,
  fields: readonly Field[],
): { values: Record<string, string>; errors: Record<string, string> } {
  const values: Record<string, string> = {};
  const errors: Record<string, string> = {};
  for (const { name, label, max, multiline } of fields) {
    const raw = form.get(name);
    let text =
      typeof raw === "string"
        ? raw
            .replaceAll(/\r\n?/g, "\n")
            .replaceAll(/[^\P{Cc}\n\t]/gu, "")
            .toWellFormed()
        : "";
    if (!multiline) text = text.replaceAll(/\s+/g, " ");
    text = text.trim();
    values[name] = text;
    if (text === "") errors[name] = `Please enter ${label}.`;
    else if (text.length > max) errors[name] = `Please use at most ${max} characters (these are ${text.length}).`;
  }
  return { values, errors };
}

export function parseRestaurant(form: FormData): Parsed<NewRestaurant> {
  const { values, errors } = readTexts(form, RESTAURANT_FIELDS);
  if (Object.keys(errors).length > 0) return { ok: false, values, errors };
  const { name = "", streetAddress = "", description = "" } = values;
  return { ok: true, value: { name, streetAddress, description } };
}

export async function parseReview(
  form: FormData,
): Promise<Parsed<Omit<NewReview, "photo"> & { upload: Upload | undefined }>> {
  const { values, errors } = readTexts(form, REVIEW_FIELDS);
  const rating = form.get("rating");
  if (typeof rating === "string" && /^[1-5]$/.test(rating)) values["rating"] = rating;
  else errors["rating"] = "Please choose a rating from 1 to 5.";
  const photo = await parsePhoto(form);
  if (photo.error !== undefined) errors["photo"] = photo.error;
  if (Object.keys(errors).length > 0) return { ok: false, values, errors };
  const { userName = "", text = "" } = values;
  return { ok: true, value: { userName, text, rating: Number(rating), upload: photo.upload } };
}

/** The optional file field "photo". A browser sends an empty, unnamed file when none was chosen. */
export async function parsePhoto(form: FormData): Promise<{ upload: Upload | undefined; error?: string }> {
  const file = form.get("photo");
  if (!(file instanceof File) || (file.size === 0 && file.name === "")) return { upload: undefined };
  if (file.size > PHOTO_LIMIT_BYTES) return { upload: undefined, error: PHOTO_TOO_LARGE };
  const bytes = new Uint8Array(await file.arrayBuffer());
  const type = sniffImage(bytes);
  if (!type) return { upload: undefined, error: "This file is not a PNG, JPEG, GIF or WebP image." };
  return { upload: { bytes, type } };
}

export const PHOTO_TOO_LARGE = "The photo is larger than 5 MB. Please choose a smaller one.";
