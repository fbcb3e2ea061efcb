import { Readable } from "node:stream";
import { expect, it } from "vitest";
import { boundedBody } from "./body.ts";

const bodyOf = (text: string) => {
  const bytes = Buffer.from(text);
  return boundedBody(
    { length: bytes.length, stream: () => Readable.from([bytes]), bytes: () => Promise.resolve(bytes) },
    1_000_000,
  );
};

it.each([
  ["arrays", (levels: number) => "[".repeat(levels) + "]".repeat(levels)],
  ["objects", (levels: number) => '{"a":'.repeat(levels) + "1" + "}".repeat(levels)],
])("%s nested beyond 500 levels are 400, before anybody merges or writes them", async (_, nested) => {
  expect(await bodyOf(nested(500)).json()).toBeTypeOf("object");
  await expect(bodyOf(nested(501)).json()).rejects.toMatchObject({ status: 400, code: "InvalidRequestContent" });
  await expect(bodyOf(nested(100_000)).json()).rejects.toMatchObject({ status: 400 });
  // Brackets in texts are none.
  expect(await bodyOf(JSON.stringify(["[".repeat(5000)])).json()).toEqual(["[".repeat(5000)]);
});
