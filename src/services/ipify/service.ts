import { Fault } from "../../kernel/fault.ts";
import type { Reply } from "../../kernel/message.ts";
import { operationsOf } from "../../kernel/operation.ts";
import type { Dialect, Service } from "../../kernel/service.ts";

const operation = operationsOf<null, never, never>();

const text = (status: number, words: string): Reply => ({
  status,
  headers: { "cache-control": "no-store" },
  body: { text: words, type: "text/plain" },
});

const plain: Dialect = { name: "text", headers: () => ({}), fault: (fault) => text(fault.status, fault.message) };

/**
 * `api.ipify.org`, which `az postgres flexible-server create` asks for the client's address to open the server's
 * firewall to it. Here every client comes from this machine: the answer is the address that it comes from.
 */
export const ipifyService = (): Service<null> => ({
  name: "ipify",
  title: "Address of the client",
  hosts: [{ exact: "api.ipify.org" }],
  dialect: plain,
  operations: [
    operation({
      name: "GetAddress",
      method: "GET",
      path: "/",
      needs: { open: "tells a client its own address" },
      handle: () => text(200, "127.0.0.1"),
    }),
  ],
  resolve: () => null,
  scope: () => "/",
  authenticators: [],
  deciders: [],
  refuse: () => new Fault({ status: 403, code: "Forbidden", message: "Forbidden" }),
  unmatched: () => new Fault({ status: 404, code: "NotFound", message: "Not found" }),
});
