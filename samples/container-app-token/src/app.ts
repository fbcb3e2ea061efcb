/** The pages: one token, got in two ways, side by side. */
import { createServer, type Server } from "node:http";
import { type Claims, claimsOf } from "./claims.ts";

export interface Way {
  readonly name: "HTTP GET" | "SDK";
  readonly token: () => Promise<{ readonly accessToken: string; readonly expiresOn: number }>;
}

export interface Identity {
  readonly name: string;
  readonly ways: readonly Way[];
}

type Outcome =
  | { readonly ok: true; readonly claims: Claims; readonly expires: string; readonly milliseconds: number }
  | { readonly ok: false; readonly error: string };

export type Log = (event: string, details: Readonly<Record<string, unknown>>) => void;

async function outcomeOf(way: Way): Promise<Outcome> {
  const began = performance.now();
  try {
    const { accessToken, expiresOn } = await way.token();
    const milliseconds = Math.round(performance.now() - began);
    return { ok: true, claims: claimsOf(accessToken), expires: new Date(expiresOn).toISOString(), milliseconds };
  } catch (error) {
    return { ok: false, error: error instanceof Error ? error.message : String(error) };
  }
}

/** Every identity, every way: `[{identity, ways: {"HTTP GET": ..., SDK: ...}}]`. */
export async function compare(identities: readonly Identity[]): Promise<readonly Comparison[]> {
  return Promise.all(
    identities.map(async ({ name, ways }) => ({
      identity: name,
      ways: Object.fromEntries(await Promise.all(ways.map(async (way) => [way.name, await outcomeOf(way)] as const))),
    })),
  );
}

export interface Comparison {
  readonly identity: string;
  readonly ways: Readonly<Record<string, Outcome>>;
}

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`);
}

function cell(outcome: Outcome | undefined): string {
  if (outcome === undefined) return "<td></td>";
  if (!outcome.ok) return `<td><strong>refused</strong><p>${escaped(outcome.error)}</p></td>`;
  const rows = Object.entries({ ...outcome.claims, expires: outcome.expires, took: `${outcome.milliseconds} ms` });
  return `<td><dl>${rows.map(([name, value]) => `<dt>${name}</dt><dd>${escaped(value)}</dd>`).join("")}</dl></td>`;
}

export function page(comparisons: readonly Comparison[]): string {
  const rows = comparisons
    .map(({ identity, ways }) => `<tr><th>${escaped(identity)}</th>${cell(ways["HTTP GET"])}${cell(ways["SDK"])}</tr>`)
    .join("\n");
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Tokens of this container app</title>
<style>body{font:16px/1.5 system-ui,sans-serif;margin:2rem}td,th{vertical-align:top;text-align:left;padding:1rem;border-top:1px solid #ccc}dt{font-weight:600}dd{margin:0 0 .5rem;word-break:break-all}</style>
</head><body><h1>Tokens of this container app</h1>
<table><tr><th>identity</th><th>HTTP GET</th><th>SDK</th></tr>
${rows}
</table></body></html>`;
}

/** `/` for people, `/tokens` as JSON, `/health`. */
export function createApp(identities: readonly Identity[], log: Log): Server {
  return createServer((request, response) => {
    const send = (status: number, type: string, text: string): void => {
      response.writeHead(status, {
        "Content-Type": `${type}; charset=utf-8`,
        "Cache-Control": "no-store",
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
        "X-Content-Type-Options": "nosniff",
      });
      response.end(request.method === "HEAD" ? undefined : text);
    };
    const path = new URL(request.url ?? "/", "http://localhost").pathname;
    if (request.method !== "GET" && request.method !== "HEAD") return send(405, "text/plain", "GET only\n");
    if (path === "/health") return send(200, "text/plain", "well\n");
    if (path !== "/" && path !== "/tokens") return send(404, "text/plain", "There is / and /tokens.\n");
    compare(identities).then(
      (comparisons) => {
        const failed = comparisons.flatMap(({ identity, ways }) =>
          Object.entries(ways).flatMap(([way, outcome]) =>
            outcome.ok ? [] : [{ identity, way, error: outcome.error }],
          ),
        );
        for (const each of failed) log("token refused", each);
        if (path === "/") send(200, "text/html", page(comparisons));
        else send(200, "application/json", JSON.stringify(comparisons));
      },
      (error: unknown) => {
        log("failed", { error: String(error) });
        send(500, "text/plain", "The log of this app has the details.\n");
      },
    );
  });
}
