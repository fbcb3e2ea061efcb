import { expect, it } from "vitest";
import type { Verdict } from "../../../kernel/decision.ts";
import type { Request } from "../../../kernel/message.ts";
import { dataActions } from "../actions.ts";
import type { PermissionRecord } from "../engine/users.ts";
import type { CosmosTarget } from "../target.ts";
import { permissionDecider } from "./permission-decider.ts";

const container = { rid: "c", partitionKey: { paths: ["/pk"], kind: "Hash" } };
const target = { container } as unknown as CosmosTarget;
const item = {
  id: "p",
  container: "c",
  mode: "All",
  resource: "dbs/d/colls/c/docs/1",
  part: { kind: "docs", id: "1" },
};
const whole = { id: "p", container: "c", mode: "All", resource: "dbs/d/colls/c" };

const decide = (permission: object, headers: Readonly<Record<string, string>> = {}): Verdict => {
  const request = { rawPath: "/dbs/d/colls/c/docs/1", header: (name: string) => headers[name] } as unknown as Request;
  const caller = {
    kind: "secret" as const,
    scheme: "ResourceToken",
    name: "acme/p",
    grant: { permission: permission as PermissionRecord },
  };
  const need = { kind: "data" as const, name: dataActions.replaceItem, scope: "/a" };
  return permissionDecider.decide({ caller, need, target, request }) as Verdict;
};

it.each(["x-ms-documentdb-pre-trigger-include", "x-ms-documentdb-post-trigger-include"])(
  "a token for one item runs no triggers, which reach the items beside it: %s",
  (header) => {
    expect(decide(item)).toMatchObject({ allowed: true });
    expect(decide(item, { [header]: "purge" })).toMatchObject({ allowed: false, cause: "resource-token" });
    expect(decide(whole, { [header]: "purge" })).toMatchObject({ allowed: true });
  },
);
