import { join } from "node:path";
import { head, load } from "./client.ts";
import { node, start } from "./processes.ts";
import { environmentOf, startDetached } from "./product.ts";
import { compare, interleave, type Work } from "./work.ts";

/** An app asks for its token again and again: the second and all later ones come from the back end's cache. */
export const token: Work = {
  name: "token",
  run: async (bench) => {
    const state = join(bench.scratch, "token");
    await using _tenant = await startDetached(bench, state);
    await using bare = await start(node, [join(import.meta.dirname, "bare.ts"), "http"], { ready: /ready \d+\n/ });
    const env = await environmentOf(bench, state, "bench-app");
    const endpoint = new URL(env["IDENTITY_ENDPOINT"] ?? "");
    const request = head(
      "GET",
      `${endpoint.pathname}?resource=https%3A%2F%2Fstorage.azure.com&api-version=2019-08-01`,
      {
        Host: endpoint.host,
        "X-IDENTITY-HEADER": env["IDENTITY_HEADER"] ?? "",
        "User-Agent": "azsdk-js-identity/4.14.1 core-rest-pipeline/1.22.0 Node/24",
        "x-ms-client-request-id": "2f7c5d1e-4a7c-4c1b-9a61-6a3a4a1d0b11",
        Accept: "application/json",
      },
    );
    const ask = async (port: number): Promise<number> =>
      (await load({ port, connections: 16, head: request, seconds: 3, warm: 1.5, expect: 200 })).perSecond;
    const figures = await interleave(bench.pairs, {
      ours: () => ask(Number(endpoint.port)),
      bare: () => ask(Number(/ready (\d+)/.exec(bare.output)?.[1])),
    });
    return [
      compare("managed identity token, warm, requests/s: bare Node HTTP server", figures.ours, figures.bare, ">= 0.5x"),
    ];
  },
};
