/** Requests signed with the account's primary key, as the documentation says and apart from the code under test. */
import { createHmac } from "node:crypto";
import { Agent } from "node:https";
import { expect } from "vitest";
import { type WireAnswer, wireOf } from "../support/wire.ts";
import type { World } from "./world.ts";

export interface Signed {
  /** Default: POST. */
  readonly method?: string;
  readonly path: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly host?: string;
  /** `x-ms-date`; default: now. */
  readonly date?: string;
}

export interface SignedWire {
  send(request: Signed): Promise<WireAnswer>;
  /** The status; an error must be one of the service's, in its shape. */
  status(request: Signed): Promise<number>;
}

export const signedWire = (world: World): SignedWire => {
  const wire = wireOf(world.env, new Agent({ keepAlive: true, maxSockets: 8 }));
  const key = Buffer.from(world.keys.primaryMasterKey, "base64");
  const send: SignedWire["send"] = ({ method = "POST", path, body, headers = {}, host, date }) => {
    const when = date ?? new Date().toUTCString();
    const segments = path
      .split("/")
      .filter((each) => each !== "")
      .map(decodeURIComponent);
    const odd = segments.length % 2 === 1;
    const type = (odd ? segments.at(-1) : segments.at(-2)) ?? "";
    const [first = "", offer = ""] = segments;
    const link = first === "offers" ? offer.toLowerCase() : (odd ? segments.slice(0, -1) : segments).join("/");
    const text = `${method.toLowerCase()}\n${type.toLowerCase()}\n${link}\n${when.toLowerCase()}\n\n`;
    const signature = createHmac("sha256", key).update(text, "utf8").digest("base64");
    return wire.send({
      method,
      host: host ?? new URL(world.endpoint).hostname,
      path,
      headers: {
        "x-ms-date": when,
        "x-ms-version": "2020-07-15",
        authorization: encodeURIComponent(`type=master&ver=1.0&sig=${signature}`),
        "content-type": "application/json",
        ...headers,
      },
      ...(body === undefined ? {} : { body }),
    });
  };
  return {
    send,
    status: async (request) => {
      const answer = await send(request);
      if (answer.status >= 400) {
        const { code, message } = JSON.parse(answer.text) as Record<string, string>;
        expect(code).toMatch(/^[A-Z]/);
        expect(message).toMatch(/ActivityId: [0-9a-f-]{36}, Microsoft\.Azure\.Documents\.Common\/2\.14\.0$/);
        expect(answer.headers["x-ms-activity-id"]).toBeDefined();
      }
      return answer.status;
    },
  };
};
