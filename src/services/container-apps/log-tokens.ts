import { idKey } from "../../arm/resource-id.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Ids } from "../../kernel/ids.ts";

const lifetimeMs = 60 * 60 * 1000;

/** Tokens for log streams: each for one app, an hour long, in memory. */
export interface LogTokens {
  issue(appId: string): { readonly token: string; readonly expires: string };
  appOf(token: string): string | undefined;
  /** The app is deleted: another one of its id is not theirs to read. */
  forget(appId: string): void;
}

export const logTokens = (ids: Ids, clock: Clock): LogTokens => {
  const known = new Map<string, { readonly appId: string; readonly expires: number }>();
  return {
    issue: (appId) => {
      for (const [token, { expires }] of known) if (expires < clock.now()) known.delete(token);
      const token = ids.bytes(32).toString("base64url");
      const expires = clock.now() + lifetimeMs;
      known.set(token, { appId, expires });
      return { token, expires: new Date(expires).toISOString() };
    },
    forget: (appId) => {
      for (const [token, each] of known) if (idKey(each.appId) === idKey(appId)) known.delete(token);
    },
    appOf: (token) => {
      const found = known.get(token);
      return found === undefined || found.expires < clock.now() ? undefined : found.appId;
    },
  };
};
