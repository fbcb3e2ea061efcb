import { managementHost } from "../../arm/context.ts";
import { isObject, type JsonObject, objectOf, textOf } from "../../arm/record.ts";
import type { ArmCall } from "../../arm/resource-type.ts";
import { Fault } from "../../kernel/fault.ts";
import type { Method, Reply } from "../../kernel/message.ts";

/**
 * Management operations on the caller's own authority: Service Connector works with an on-behalf-of token, so whatever the
 * caller may not do fails here as it would by hand (access.md 3.3). Steps done are undone when a later one fails.
 */
export class Work {
  readonly #call: ArmCall;
  readonly #undo: (() => Promise<void>)[] = [];

  constructor(call: ArmCall) {
    this.#call = call;
  }

  /** Sends one operation. @throws Fault with the operation's own status, code and message, saying which step it was */
  async send(step: string, method: Method, path: string, json?: unknown): Promise<JsonObject> {
    const reply = await this.#call.invoke(
      { as: "caller" },
      { method, host: managementHost, path: withVersion(path), ...(json === undefined ? {} : { json }) },
    );
    const body = bodyOf(reply);
    if (reply.status < 400) return body;
    const error = objectOf(body["error"]);
    throw new Fault({
      status: reply.status,
      code: textOf(error["code"]) || "Conflict",
      message: `${step}: ${textOf(error["message"]) || `status ${reply.status}`}`,
    });
  }

  /** Status of an operation whose failure is an answer. */
  async status(method: Method, path: string): Promise<number> {
    return (await this.#call.invoke({ as: "caller" }, { method, host: managementHost, path: withVersion(path) }))
      .status;
  }

  /** Registers how to take back a step that has been done. */
  done(undo: () => Promise<void>): void {
    this.#undo.push(undo);
  }

  /** Takes back all steps, last first. What cannot be taken back stays: the first failure is the one to tell. */
  async rollBack(): Promise<void> {
    for (const undo of this.#undo.splice(0).toReversed()) await undo().catch(() => undefined);
  }
}

const withVersion = (path: string): string =>
  `${encodeURI(path)}${path.includes("?") ? "&" : "?"}api-version=2024-04-01`;

const bodyOf = (reply: Reply): JsonObject =>
  reply.body !== undefined && "json" in reply.body && isObject(reply.body.json) ? reply.body.json : {};
