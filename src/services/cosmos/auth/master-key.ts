import { createHmac, timingSafeEqual } from "node:crypto";
import type { SecretCaller } from "../../../kernel/caller.ts";
import type { Clock } from "../../../kernel/clock.ts";
import type { Request } from "../../../kernel/message.ts";
import { keyNames, type Account } from "../accounts.ts";
import { looksLikeRid } from "../engine/rid.ts";
import { cosmosFault } from "../faults.ts";
import { segmentsOf } from "../match.ts";

const skew = 15 * 60 * 1000;

/**
 * What a client signs (cosmos.md 13): resource word and link as the path gives them. Of an address of `_rid`s (Java, .NET)
 * the last one stands for all.
 */
const payloadsOf = (request: Pick<Request, "method" | "rawPath" | "header">): readonly [string, ...string[]] => {
  const segments = segmentsOf(request.rawPath);
  const [type, link] = resourceOf(segments);
  const text = (name: string): string => (request.header(name) ?? "").toLowerCase();
  const dates = `${text("x-ms-date")}\n${text("x-ms-date") === "" ? text("date") : ""}`;
  const payload = (signed: string): string => `${request.method.toLowerCase()}\n${type}\n${signed}\n${dates}\n`;
  const rid = link.split("/").at(-1) ?? "";
  return looksLikeRid(segments[1] ?? "") ? [payload(link), payload(rid), payload(rid.toLowerCase())] : [payload(link)];
};

const resourceOf = (segments: readonly string[]): readonly [type: string, link: string] => {
  if (segments.length === 0) return ["", ""];
  const last = segments.at(-1) ?? "";
  if (last === "partitionkeydelete" && segments.at(-2) === "operations")
    return ["colls", segments.slice(0, -2).join("/")];
  if (segments[0]?.toLowerCase() === "offers") return ["offers", (segments[1] ?? "").toLowerCase()];
  return segments.length % 2 === 1
    ? [last.toLowerCase(), segments.slice(0, -1).join("/")]
    : [(segments.at(-2) ?? "").toLowerCase(), segments.join("/")];
};

/**
 * Who holds the key that a request is signed with.
 * @throws 401 for a bad signature or date, 401/5202 when the account takes no keys
 */
export const masterKey = (request: Request, account: Account, signature: string, clock: Clock): SecretCaller => {
  const payloads = payloadsOf(request);
  const given = Buffer.from(signature, "base64");
  const name = keyNames.find((each) => {
    const key = account.keys[each];
    if (key.length === 0) return false;
    return payloads.some((payload) => {
      const wanted = createHmac("sha256", key).update(payload, "utf8").digest();
      return wanted.length === given.length && timingSafeEqual(wanted, given);
    });
  });
  if (name === undefined) throw cosmosFault("wrongSignature", { payload: payloads[0] });
  // The client dates by its own clock, so the skew is one of wall clocks.
  const text = request.header("x-ms-date") ?? request.header("date") ?? "";
  const date = Date.parse(text);
  const wall = clock.wall();
  if (Number.isNaN(date) || Math.abs(wall - date) > skew)
    throw cosmosFault("wrongDate", { date: text.slice(0, 50), now: new Date(wall).toUTCString() });
  if (!account.localAuth) throw cosmosFault("localAuthDisabled", {}, { detail: { subStatus: 5202 } });
  return {
    kind: "secret",
    scheme: "MasterKey",
    name: `${account.name}/${name}`,
    grant: { readOnly: name.endsWith("Readonly") },
  };
};
