import { describe, expect, it } from "vitest";
import { type LogEntry, requestLine } from "./log-entry.ts";

const entry = (change: Partial<LogEntry>): LogEntry => ({
  id: "1",
  time: new Date(2026, 0, 2, 13, 4, 5).toISOString(),
  caller: "my-app",
  service: "blob",
  operation: "PutBlob",
  method: "PUT",
  host: "acme.blob.core.windows.net",
  path: "/photos/a.png",
  status: 201,
  refused: false,
  checks: [],
  milliseconds: 1,
  ...change,
});

const words = (line: string): string => line.replaceAll(/ +/g, " ");

describe("a line of the request log", () => {
  it("names time, caller, service, operation and status", () => {
    expect(words(requestLine(entry({})))).toBe("13:04:05 my-app blob PutBlob 201");
  });

  it("names for a refusal the missing action, the scope and what would allow it", () => {
    const check = {
      kind: "data" as const,
      name: "Microsoft.Storage/x/write",
      scope: "/subscriptions/s/c",
      allowed: false,
      reason: "no assignment",
      hint: "az role assignment create ...",
    };
    expect(words(requestLine(entry({ status: 403, refused: true, checks: [check] })))).toBe(
      "13:04:05 my-app blob PutBlob 403 lacks Microsoft.Storage/x/write at /subscriptions/s/c; az role assignment create ...",
    );
  });

  it("says what is missing once, and what would allow it in this tenant", () => {
    const [name, scope] = ["Microsoft.Storage/x/write", "/subscriptions/s/c"];
    const hint = `No role assignment grants the data action '${name}' at '${scope}'. To allow it: az role assignment create --scope "${scope}"`;
    const check = { kind: "data", name, scope, allowed: false, hint } as const;
    expect(words(requestLine(entry({ status: 403, refused: true, checks: [check] })))).toBe(
      `13:04:05 my-app blob PutBlob 403 lacks ${name} at ${scope}; to allow it: lanyard az role assignment create --scope "${scope}"`,
    );
  });

  it("names the error code of another failure, and the address when no operation answers to it", () => {
    expect(words(requestLine(entry({ status: 404, error: "BlobNotFound" })))).toBe(
      "13:04:05 my-app blob PutBlob 404 BlobNotFound",
    );
    expect(words(requestLine(entry({ status: 400, error: "Bad", operation: "Unmatched" })))).toBe(
      "13:04:05 my-app blob Unmatched 400 Bad PUT acme.blob.core.windows.net/photos/a.png",
    );
  });

  it("names an app by its own name, not by its whole resource id", () => {
    const caller = "IdentityHeader /subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/reviews";
    expect(words(requestLine(entry({ caller })))).toContain(" IdentityHeader reviews blob ");
  });

  it("is one line whatever a client sends, and moves no cursor", () => {
    const line = requestLine(
      entry({ status: 404, operation: "Unmatched", path: "/a\n13:00 admin\u001B[2J\u202Eb\u2028", caller: "x\r" }),
    );
    expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
  });
});
