import { expect, it } from "vitest";
import { openSandboxes } from "./sandbox.ts";

it("a sandbox finds nothing of the one before it in memory that the engine hands out uncleared", async () => {
  const next = openSandboxes();
  const evaluate = async (code: string): Promise<number> => {
    const sandbox = await next();
    sandbox.limit(5000);
    const handle = sandbox.evaluate(code, "script.js");
    const found = sandbox.context.getNumber(handle);
    handle.dispose();
    sandbox.close();
    return found;
  };
  await evaluate(`globalThis.kept = Array.from({ length: 300 }, (_, n) => "Q7x".repeat(1000) + n); kept.length`);
  const found = await evaluate(`
    let found = 0;
    const held = [];
    for (let n = 0; n < 600; n++) {
      const buffer = new SharedArrayBuffer(8, { maxByteLength: 4096 });
      buffer.grow(4096);
      held.push(buffer);
      const bytes = new Uint8Array(buffer);
      let same = 0;
      for (let i = 3; i < bytes.length; i++)
        if (bytes[i] !== bytes[i - 3] || ![81, 55, 120].includes(bytes[i])) same = 0;
        else if (++same === 60) found++;
    }
    found`);
  expect(found).toBe(0);
});
