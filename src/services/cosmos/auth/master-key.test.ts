import { createHmac } from "node:crypto";
import { expect, it } from "vitest";
import type { Request } from "../../../kernel/message.ts";
import type { Account } from "../accounts.ts";
import { masterKey } from "./master-key.ts";

const key = Buffer.alloc(64, 1);
const none = Buffer.alloc(0);
const keys = { primary: key, secondary: none, primaryReadonly: none, secondaryReadonly: none };
const account = { name: "acme", localAuth: true, keys } as unknown as Account;
const date = "Fri, 20 Nov 2026 19:30:47 GMT";
const clock = { now: () => Date.parse(date), wall: () => Date.parse(date) };

const signed = (method: string, rawPath: string, type: string, link: string) => {
  const payload = `${method.toLowerCase()}\n${type}\n${link}\n${date.toLowerCase()}\n\n`;
  const header = (name: string) => (name === "x-ms-date" ? date : undefined);
  const signature = createHmac("sha256", key).update(payload).digest("base64");
  return () => masterKey({ method, rawPath, header } as unknown as Request, account, signature, clock).name;
};

it.each([
  ["GET", "/dbs/appdb/colls/items", "colls", "dbs/appdb/colls/items"],
  ["POST", "//dbs/appdb/colls/items/docs/", "docs", "dbs/appdb/colls/items"],
  // As Java replaces a container.
  ["PUT", "/dbs/vDmkOg==/colls/vDmkOofkoHU=", "colls", "vdmkoofkohu="],
  ["POST", "/dbs/vDmkOg==/colls/vDmkOofkoHU=/docs", "docs", "vDmkOofkoHU="],
  ["POST", "/dbs/appdb/colls/items/operations/partitionkeydelete", "colls", "dbs/appdb/colls/items"],
  ["GET", "/dbs/d/colls/c/docs/partitionkeydelete", "docs", "dbs/d/colls/c/docs/partitionkeydelete"],
])("knows the key that signed %s %s", (method, path, type, link) => {
  expect(signed(method, path, type, link)()).toMatch(/^acme\/primary/);
});

it.each([
  ["GET", "/dbs/appdb/colls/items", "colls", "items"],
  ["GET", "/dbs/appdb/colls/items", "colls", "dbs/appdb/colls/Items"],
  ["PUT", "/dbs/vDmkOg==/colls/vDmkOofkoHU=", "colls", "vdmkog=="],
])("takes no signature of something else: %s %s", (method, path, type, link) => {
  expect(signed(method, path, type, link)).toThrow("The wrong key is being used");
});
