import assert from "node:assert/strict";
import { test } from "node:test";
import { compare, createApp, type Identity, page } from "./app.ts";

const jwt = (claims: object): string =>
  `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.signature-of-the-token`;
const accessToken = jwt({
  aud: "https://vault.azure.net",
  oid: "o",
  appid: "a",
  tid: "t",
  xms_mirid: "/subscriptions/s",
});
const good = async () => ({ accessToken, expiresOn: 1_586_984_735_000 });
const identities: readonly Identity[] = [
  {
    name: "system-assigned",
    ways: [
      { name: "HTTP GET", token: good },
      { name: "SDK", token: good },
    ],
  },
  {
    name: "user-assigned",
    ways: [
      { name: "HTTP GET", token: async () => Promise.reject(new Error("No <Managed> Identity")) },
      { name: "SDK", token: good },
    ],
  },
];

test("both ways are shown for each identity, and one refusal does not hide the rest", async () => {
  const [system, user] = await compare(identities);
  for (const way of ["HTTP GET", "SDK"]) {
    const outcome = system?.ways[way];
    assert.ok(outcome?.ok);
    assert.equal(outcome.claims.objectId, "o");
    assert.equal(outcome.expires, "2020-04-15T21:05:35.000Z");
  }
  assert.deepEqual(user?.ways["HTTP GET"], { ok: false, error: "No <Managed> Identity" });
  assert.equal(user?.ways["SDK"]?.ok, true);
});

test("neither page nor JSON holds a token, and text is escaped", async () => {
  const comparisons = await compare(identities);
  const shown = page(comparisons) + JSON.stringify(comparisons);
  assert.ok(!shown.includes("signature-of-the-token"));
  assert.ok(page(comparisons).includes("No &#60;Managed&#62; Identity"));
});

test("the app answers people, programs and probes", async () => {
  const logged: string[] = [];
  const server = createApp(identities, (event) => void logged.push(event)).listen(0);
  try {
    await new Promise((resolve) => server.once("listening", resolve));
    const address = server.address();
    assert.ok(typeof address === "object" && address);
    const base = `http://127.0.0.1:${address.port}`;
    assert.match(await (await fetch(`${base}/`)).text(), /user-assigned/);
    const tokens: unknown = await (await fetch(`${base}/tokens`)).json();
    assert.ok(Array.isArray(tokens));
    assert.equal((await fetch(`${base}/health`)).status, 200);
    assert.equal((await fetch(`${base}/nothing`)).status, 404);
    assert.equal((await fetch(`${base}/`, { method: "POST" })).status, 405);
    assert.ok(logged.includes("token refused"));
  } finally {
    server.close();
    server.closeAllConnections();
  }
});
