import { Transform, type TransformCallback } from "node:stream";
import { Fault } from "./fault.ts";
import { type Body, BodyTooLarge, type RawBody } from "./message.ts";

const tooLarge = (limit: number): Fault =>
  new Fault({
    status: 413,
    code: "RequestBodyTooLarge",
    message: "The request body is too large and exceeds the maximum permissible limit.",
    hint: `This operation takes at most ${limit} bytes.`,
  });

const malformed = (why: string): Fault =>
  new Fault({
    status: 400,
    code: "InvalidRequestContent",
    message: `The request content was invalid and could not be deserialized: '${why}'.`,
  });

const bounded = (limit: number): Transform => {
  let seen = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done: TransformCallback) {
      seen += chunk.length;
      if (seen > limit) done(tooLarge(limit));
      else done(null, chunk);
    },
  });
};

/** Levels of objects and arrays: what is nested some thousand deep can be parsed, and then neither merged nor written. */
const deepest = 500;

const isDeeper = (value: unknown, levels: number): boolean => {
  if (typeof value !== "object" || value === null) return false;
  if (levels === 0) return true;
  if (Array.isArray(value)) {
    for (const element of value) if (isDeeper(element, levels - 1)) return true;
    return false;
  }
  for (const name in value) if (isDeeper((value as Record<string, unknown>)[name], levels - 1)) return true;
  return false;
};

/** A raw body bounded by an operation's limit; refusals are faults. */
export const boundedBody = (raw: RawBody, limit: number): Body => {
  const bytes = async (): Promise<Buffer> => {
    try {
      return await raw.bytes(limit);
    } catch (error) {
      throw error instanceof BodyTooLarge ? tooLarge(limit) : error;
    }
  };
  const text = async (): Promise<string> => (await bytes()).toString("utf8");
  return {
    length: raw.length,
    stream: () => {
      if (raw.length !== undefined) {
        if (raw.length > limit) throw tooLarge(limit);
        return raw.stream();
      }
      const source = raw.stream();
      const gate = bounded(limit);
      source.once("error", (error) => gate.destroy(error));
      return source.pipe(gate);
    },
    bytes,
    text,
    json: async () => {
      const source = (await text()).replace(/^\uFEFF/, "");
      if (source.trim() === "") return undefined;
      let value: unknown;
      try {
        value = JSON.parse(source);
      } catch (error) {
        throw malformed(error instanceof Error ? error.message : "not JSON");
      }
      // A level takes two characters.
      if (source.length > 2 * deepest && isDeeper(value, deepest))
        throw malformed(`The reader's MaxDepth of ${deepest} has been exceeded.`);
      return value;
    },
    form: async () => new URLSearchParams(await text()),
  };
};
