import { html } from "hono/html";
import { LIMITS } from "../forms.ts";
import type { FormErrors, FormValues } from "../forms.ts";
import type { Html } from "./layout.ts";

export interface FormState {
  readonly values: FormValues;
  readonly errors: FormErrors;
}

export const EMPTY_FORM: FormState = { values: {}, errors: {} };

const NOTHING = html``;

/** Says that something is wrong before the fields that say what. */
export function formSummary({ errors }: FormState): Html {
  const count = Object.keys(errors).length;
  if (count === 0) return NOTHING;
  return html`<p class="form-errors" role="alert">
    ${count === 1 ? "One field needs" : `${count} fields need`} your attention before this can be saved.
  </p>`;
}

function message(name: string, errors: FormErrors): Html {
  const text = errors[name];
  return text ? html`<span class="field-error" id="${name}-error">${text}</span>` : NOTHING;
}

function invalid(name: string, errors: FormErrors): Html {
  return errors[name] ? html`aria-invalid="true" aria-describedby="${name}-error"` : NOTHING;
}

export function textField(name: string, label: string, { values, errors }: FormState, autocomplete = "off"): Html {
  return html`<div class="field">
    <label for="${name}">${label}</label>
    <input
      id="${name}"
      name="${name}"
      value="${values[name] ?? ""}"
      maxlength="${LIMITS[name] ?? 100}"
      autocomplete="${autocomplete}"
      required
      ${invalid(name, errors)}
    />
    ${message(name, errors)}
  </div>`;
}

export function textArea(name: string, label: string, { values, errors }: FormState): Html {
  // The line break after the tag is dropped by browsers; without it a text that begins with one would lose it.
  return html`<div class="field">
    <label for="${name}">${label}</label>
    <textarea
      id="${name}"
      name="${name}"
      rows="5"
      maxlength="${LIMITS[name] ?? 1000}"
      required
      ${invalid(name, errors)}
    >
${values[name] ?? ""}</textarea>
    ${message(name, errors)}
  </div>`;
}

const RATING_NAMES = ["1 star: poor", "2 stars: fair", "3 stars: good", "4 stars: very good", "5 stars: excellent"];

export function ratingField({ values, errors }: FormState): Html {
  return html`<fieldset class="field rating">
    <legend>Rating</legend>
    <div class="rating-stars">
      ${RATING_NAMES.map(
        (name, index) =>
          html`<label title="${name}"
            ><input
              type="radio"
              name="rating"
              value="${index + 1}"
              required
              ${values["rating"] === String(index + 1) ? "checked" : ""}
              ${invalid("rating", errors)}
            /><span aria-hidden="true">★</span><span class="hidden">${name}</span></label
          >`,
      )}
    </div>
    ${message("rating", errors)}
  </fieldset>`;
}

export function photoField(label: string, { errors }: FormState): Html {
  return html`<div class="field">
    <label for="photo">${label}</label>
    <input
      id="photo"
      name="photo"
      type="file"
      accept="image/png,image/jpeg,image/gif,image/webp"
      ${invalid("photo", errors)}
    />
    <span class="hint">PNG, JPEG, GIF or WebP, up to 5 MB.</span>
    ${message("photo", errors)}
  </div>`;
}
