import { describe, expect, it } from "vitest";
import { invocationRequest } from "./invocation.ts";
import { pathMatcher } from "./match.ts";
import type { Method } from "./message.ts";
import { operationsOf } from "./operation.ts";

const operation = operationsOf<unknown, never, never>();
const make = <const Path extends string>(
  name: string,
  path: Path,
  query?: Record<string, string | true>,
  headers?: Record<string, string | true>,
) =>
  operation({
    name,
    method: "PUT",
    path,
    ...(query === undefined ? {} : { query }),
    ...(headers === undefined ? {} : { headers }),
    needs: { open: "test" },
    handle: () => ({ status: 200 }),
  });

const match = pathMatcher([
  make("CreateContainer", "/:container", { restype: "container" }),
  make("PutBlob", "/:container/**:blob"),
  make("PutBlock", "/:container/**:blob", { comp: "block" }),
  make("PutBlockFromUrl", "/:container/**:blob", { comp: "block" }, { "x-ms-copy-source": true }),
  make("Fixed", "/fixed/here"),
]);
const find = async (path: string, headers: Record<string, string> = {}, method: Method = "PUT") => {
  const found = await match(invocationRequest({ method, host: "x", path, headers }));
  return found === undefined ? undefined : { name: found.operation.name, ...found.parameters };
};

describe("the path matcher", () => {
  it("chooses by query and headers, most specific first, whatever the order of the list", async () => {
    expect(await find("/c?restype=container")).toEqual({ name: "CreateContainer", container: "c" });
    expect(await find("/c/b")).toEqual({ name: "PutBlob", container: "c", blob: "b" });
    expect(await find("/c/b?comp=block")).toEqual({ name: "PutBlock", container: "c", blob: "b" });
    expect(await find("/c/b?COMP=Block", { "X-Ms-Copy-Source": "u" })).toEqual({
      name: "PutBlockFromUrl",
      container: "c",
      blob: "b",
    });
  });

  it("keeps slashes, dots and encoded characters of a rest parameter", async () => {
    for (const blob of ["a/b/c", "a//b", "a/", "./a", "a%20b", "%E2%82%AC", "a%2Fb", "..%2F"])
      expect(await find(`/c/${blob}`)).toEqual({ name: "PutBlob", container: "c", blob: decodeURIComponent(blob) });
  });

  it("leaves broken percent-encoding as it was sent", async () => {
    expect(await find("/c/%zz")).toEqual({ name: "PutBlob", container: "c", blob: "%zz" });
  });

  it("forgives a trailing slash where no rest parameter claims it", async () => {
    expect(await find("/c/?restype=container")).toEqual({ name: "CreateContainer", container: "c" });
  });

  it("finds nothing for another method or path", async () => {
    expect(await find("/c/b", {}, "POST")).toBeUndefined();
    expect(await find("/")).toBeUndefined();
  });

  it("prefers fixed segments to parameters", async () => {
    expect(await find("/fixed/here")).toEqual({ name: "Fixed" });
  });
});
