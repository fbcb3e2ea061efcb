/** Entry of the front door's thread. It holds no secrets but those of the login at hand, and no state but connections. */
import { parentPort } from "node:worker_threads";
import { channel, type Methods } from "./channel.ts";
import { FrontDoor } from "./front-door.ts";
import type { Admission, Attempt, Certificate, Gate, TokenAdmission } from "./gate.ts";

if (parentPort === null) throw new Error("This module runs in a worker thread.");

// The casts are where values cross the thread boundary; both sides are this product's.
const gate: Gate = {
  certificate: async (host) => (await main.call("certificate", host)) as Certificate,
  begin: async (attempt: Attempt) => (await main.call("begin", attempt)) as Admission,
  token: async (attempt, token, renew) => (await main.call("token", attempt, token, renew)) as TokenAdmission,
  outcome: (attempt, allowed, reason, oid) => {
    void main.call("outcome", attempt, allowed, reason, oid).catch(() => {});
  },
};

const door = new FrontDoor(gate);

const methods = {
  open: (preferred: readonly number[]) => door.open(preferred),
  add: (name: string, preferred: readonly number[]) => door.add(name, preferred),
  remove: (name: string) => door.remove(name),
  close: () => door.close(),
} satisfies Methods;

const main = channel(parentPort, methods);
