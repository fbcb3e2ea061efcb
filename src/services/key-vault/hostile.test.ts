/** Requests that no client sends: whatever they are, no 5xx but an honest 501, and never a secret's value in the answer. */
import {
  assert,
  asyncProperty,
  constantFrom,
  type Arbitrary,
  oneof,
  record,
  string,
  integer,
  jsonValue,
  option,
} from "fast-check";
import { describe, expect, it } from "vitest";
import { Fault } from "../../kernel/fault.ts";
import type { Method } from "../../kernel/message.ts";
import { withRole } from "./key-vault.test-support.ts";

const value = "the-value-that-must-not-leak";

const segment: Arbitrary<string> = oneof(
  constantFrom(
    ..."secrets keys certificates deletedsecrets deletedkeys deletedcertificates versions backup restore recover create import pending merge policy issuers contacts sign verify encrypt decrypt wrapkey unwrapkey release rotate rotationpolicy rng s k c .. . %2F %00 %2e%2e a_b".split(
      " ",
    ),
  ),
  string({ maxLength: 12 }).map((text) => encodeURIComponent(text.replaceAll(/[\uD800-\uDFFF]/g, ""))),
  constantFrom("", "0".repeat(32), "f".repeat(128)),
);
const path = record({
  parts: oneof(
    record({ a: segment, b: segment, c: segment, d: segment }).map(({ a, b, c, d }) => [a, b, c, d]),
    record({ a: segment, b: segment }).map(({ a, b }) => [a, b]),
    record({ a: segment }).map(({ a }) => [a]),
  ),
}).map(({ parts }) => `/${parts.join("/")}`);
const query = oneof(
  constantFrom("api-version=7.4", "api-version=7.4", "api-version=2016-10-01", "api%2Dversion=2025-07-01", ""),
  constantFrom(
    "api-version=7.4&maxresults=-1",
    "api-version=7.4&$skiptoken=Zm9v",
    "api-version=%00",
    "api-version=7.4&api-version=8",
  ),
);
const member = oneof(
  jsonValue({ maxDepth: 2 }),
  constantFrom<unknown>(
    "RSA",
    "EC",
    "oct",
    "RS256",
    "ES256",
    "A256GCM",
    "AAAA",
    -1,
    1e300,
    { name: "Self" },
    { enabled: 1 },
    ["x"],
  ),
);
const body = option(
  oneof(
    jsonValue({ maxDepth: 2 }),
    record(
      {
        value: member,
        alg: member,
        digest: member,
        kty: constantFrom<unknown>("EC", "oct", 5, null),
        crv: member,
        key: member,
        key_ops: member,
        attributes: member,
        tags: member,
        policy: member,
        x5c: member,
        contacts: member,
        count: oneof(integer(), member),
        lifetimeActions: member,
        cancellation_requested: member,
      },
      { requiredKeys: [] },
    ),
  ),
  { nil: undefined },
);
const method = constantFrom<Method>("GET", "PUT", "POST", "PATCH", "DELETE", "HEAD", "OPTIONS");

describe("a vault under malformed requests", () => {
  it("answers with no failure of its own and leaks nothing", async () => {
    const { vaults, token } = await withRole();
    await using _ = vaults;
    const send = (verb: Method, path: string, json: unknown, authorized = true) =>
      vaults.call(verb, path, {
        version: "",
        ...(authorized ? { token } : {}),
        ...(json === undefined ? {} : { json }),
      });
    await send("PUT", "/secrets/s?api-version=7.4", { value });
    await send("POST", "/keys/k/create?api-version=7.4", { kty: "EC" });
    await assert(
      asyncProperty(method, path, query, body, async (verb, path, query, json) => {
        const { status, body } = await send(verb, `${path}?${query}`, json);
        expect(status === 501 || status < 500).toBe(true);
        // What may hold the value: the secret itself, read by its holder.
        if (!/^\/secrets\/s(\/|$)/i.test(path)) expect(JSON.stringify(body ?? "")).not.toContain(value);
        const stranger = await send(verb, `${path}?${query}`, json, false);
        expect(stranger.status >= 400 && stranger.status < 500 ? "refused" : stranger.status).toBe(
          stranger.status === 501 ? 501 : "refused",
        );
        expect(JSON.stringify(stranger.body ?? "")).not.toContain(value);
      }),
      { numRuns: 1200 },
    );
    expect(vaults.errors.filter((error) => !(error instanceof Fault))).toEqual([]);
    expect(JSON.stringify(vaults.decisions)).not.toContain(value);
  });
});
