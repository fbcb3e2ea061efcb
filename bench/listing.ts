import { cpSync, existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createContainer, startAzuriteBlob } from "./azurite.ts";
import { blobHeaders, blobHost, counter, head, load } from "./client.ts";
import { ask, connect, createAccount, startDetached } from "./product.ts";
import { compare, interleave, type Work } from "./work.ts";

const account = "lanyardbench";
const blobs = 100_000;
/** Filling Azurite takes minutes, so its state is kept for later runs; it is what is listed, not what is measured. */
const kept = join(import.meta.dirname, ".cache", "azurite-3.37.0-100000");

/** All names of a container, flat, in pages of 5000 as the service gives them. */
export const listing: Work = {
  name: "listing",
  run: async (bench) => {
    const state = join(bench.scratch, "listing");
    await using _tenant = await startDetached(bench, state);
    const client = await connect(bench, state);
    const token = await createAccount(client, account);
    const fill = (port: number, connections: number): Promise<unknown> =>
      load({
        port,
        tls: { servername: blobHost(account), ca: client.ca },
        connections,
        head: head("PUT", `/bench/folder/blob-${counter}`, {
          ...blobHeaders(account, token),
          "x-ms-blob-type": "BlockBlob",
          "Content-Type": "application/octet-stream",
          "Content-Length": 1,
        }),
        body: 1,
        requests: blobs,
        expect: 201,
      });
    bench.say(`filling our container with ${blobs} blobs ...`);
    await fill(client.tlsPort, 32);
    if (!existsSync(kept)) {
      bench.say("filling Azurite's; this takes minutes, and is kept for later runs ...");
      const making = `${kept}.new`;
      rmSync(making, { recursive: true, force: true });
      mkdirSync(making, { recursive: true });
      const azurite = await startAzuriteBlob(making, client, account);
      await createContainer(azurite, client, account, token);
      await fill(azurite.port, 16);
      await azurite.stop();
      renameSync(making, kept);
    }
    const copy = join(bench.scratch, "listing-azurite");
    cpSync(kept, copy, { recursive: true });
    await using azurite = await startAzuriteBlob(copy, client, account);

    const list = async (port: number): Promise<number> => {
      const began = performance.now();
      let [marker, seen] = ["", 0];
      do {
        const query = `restype=container&comp=list&maxresults=5000${marker === "" ? "" : `&marker=${encodeURIComponent(marker)}`}`;
        const { body } = await ask({ port, ca: client.ca }, "GET", `https://${blobHost(account)}/bench?${query}`, {
          token,
          headers: { "x-ms-version": "2024-11-04" },
        });
        seen += body.split("<Blob>").length - 1;
        marker = /<NextMarker>([^<]+)<\/NextMarker>/.exec(body)?.[1] ?? "";
      } while (marker !== "");
      if (seen !== blobs) throw new Error(`Listed ${seen} blobs of ${blobs}.`);
      const seconds = (performance.now() - began) / 1000;
      bench.say(`listed in ${seconds.toFixed(2)} s`);
      return blobs / seconds;
    };
    const figures = await interleave(Math.min(bench.pairs, 3), {
      ours: () => list(client.tlsPort),
      azurite: () => list(azurite.port),
    });
    return [compare("list 100,000 blobs, flat, blobs/s: Azurite", figures.ours, figures.azurite, ">= 8x")];
  },
};
