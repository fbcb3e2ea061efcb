import type { IncomingMessage, ServerResponse } from "node:http";

export interface Services {
  /** Reads the secret; undefined when the app does not know of a vault. */
  readonly readSecret: (() => Promise<string>) | undefined;
  readonly log: (event: string, fields: Readonly<Record<string, unknown>>) => void;
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** The web app: `/ping` answers without any Azure service, `/` shows the secret or says why not. */
export function createApp(services: Services): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    void answer(request, services).then(({ status, text }) => {
      response.writeHead(status, {
        "Content-Type": "text/plain; charset=utf-8",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
      });
      response.end(request.method === "HEAD" ? undefined : text);
    });
  };
}

async function answer(request: IncomingMessage, { readSecret, log }: Services): Promise<Answer> {
  const path = (request.url ?? "/").split("?")[0];
  if (request.method !== "GET" && request.method !== "HEAD") return { status: 405, text: "Only GET and HEAD.\n" };
  if (path === "/ping") return { status: 200, text: "Hello world\n" };
  if (path !== "/") return { status: 404, text: "Not found.\n" };
  if (!readSecret) return { status: 503, text: "KEY_VAULT_URI is not set: the app does not know of a vault.\n" };
  try {
    return { status: 200, text: `My secret value is ${await readSecret()}\n` };
  } catch (error) {
    const { status, text } = explain(error);
    log("secret.failed", { status, cause: text });
    return { status, text };
  }
}

/** What went wrong, in the service's own words: they name the caller and the missing right, and hold no secret. */
export function explain(error: unknown): Answer {
  const said = error instanceof Error ? error.message : String(error);
  const code: unknown = typeof error === "object" && error !== null && "statusCode" in error ? error.statusCode : 0;
  switch (code) {
    case 403:
      return { status: 502, text: `Key Vault refused: ${said}\n` };
    case 404:
      return { status: 502, text: `There is no such secret: ${said}\n` };
    default:
      return { status: 502, text: `The secret could not be read: ${said}\n` };
  }
}
