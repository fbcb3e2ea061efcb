/** Keys, partitions and index values: text compared by UTF-8 byte order, which is code point order. */

/** Can every driver hold this text? What none can hold is nowhere: reads find nothing there, and writes refuse it. */
export const isText = (...texts: readonly (string | undefined)[]): boolean => {
  for (const text of texts) if (text !== undefined && (text.includes("\0") || !text.isWellFormed())) return false;
  return true;
};

/**
 * Refuses text that not every driver can hold: PostgreSQL knows no U+0000, and a lone surrogate has no UTF-8 form,
 * so two different keys would meet in one.
 * @throws TypeError
 */
export const checkText = (what: string, text: string): void => {
  if (isText(text)) return;
  throw new TypeError(`The ${what} ${JSON.stringify(text)} holds U+0000 or a lone surrogate, which no key may.`);
};

/** Moves surrogates above U+E000..U+FFFF, so that comparing UTF-16 units gives code point order. */
const inCodePointOrder = (unit: number): number =>
  unit < 0xd800 ? unit : unit >= 0xe000 ? unit - 0x800 : unit + 0x2000;

/** Negative, zero or positive, as the UTF-8 bytes of `a` sort before, with or after those of `b`. */
export const compareText = (a: string, b: string): number => {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return inCodePointOrder(x) - inCodePointOrder(y);
  }
  return a.length - b.length;
};

/** The smallest text after everything that begins with `prefix`; undefined when there is none. */
export const prefixEnd = (prefix: string): string | undefined => {
  const points = Array.from(prefix, (character) => character.codePointAt(0) ?? 0);
  for (let last = points.pop(); last !== undefined; last = points.pop()) {
    if (last === 0x10ffff) continue;
    // U+D800..U+DFFF are no characters.
    return String.fromCodePoint(...points, last === 0xd7ff ? 0xe000 : last + 1);
  }
  return undefined;
};

/** A range of keys as drivers read it. */
export interface Span {
  readonly lower: string;
  /** True: keys strictly after `lower`. */
  readonly exclusive: boolean;
  /** Keys strictly before this; undefined: to the end. */
  readonly upper: string | undefined;
  readonly limit: number;
}

/** Translates `prefix`, `after` and `limit` (default 1000). @throws RangeError for a limit that is no whole number >= 0. */
export const spanOf = (range: { readonly prefix?: string; readonly after?: string; readonly limit?: number }): Span => {
  const { prefix = "", after, limit = 1000 } = range;
  if (!Number.isSafeInteger(limit) || limit < 0) throw new RangeError(`A limit of ${limit} is no whole number >= 0.`);
  // Bounds are values, not keys, but no driver could bind these either.
  checkText("prefix", prefix);
  if (after !== undefined) checkText("after", after);
  const skips = after !== undefined && compareText(after, prefix) >= 0;
  return { lower: skips ? after : prefix, exclusive: skips, upper: prefixEnd(prefix), limit };
};

/** Whether a key lies in a span. */
export const within = (span: Span, key: string): boolean => {
  const order = compareText(key, span.lower);
  return (span.exclusive ? order > 0 : order >= 0) && (span.upper === undefined || compareText(key, span.upper) < 0);
};
