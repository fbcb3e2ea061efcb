/**
 * Microseconds of one check by Azure RBAC, of the built product, with the words for the record and the hint of a refusal.
 * Nine of ten assignments are other principals' at the scopes that the check looks at; one of ten is the caller's own, on
 * other resources.
 *
 *   node role-checks.ts PRODUCT ASSIGNMENTS allowed|refused
 */
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { AccessIndex } from "../src/access/access-index.ts";
import type { toVerdict } from "../src/access/decider.ts";

const [product = "", assignments = "", question = ""] = process.argv.slice(2);
const built = (path: string): string => pathToFileURL(join(product, "dist", path)).href;

const access = (await import(built("access/access-index.js"))) as { AccessIndex: typeof AccessIndex };
const decider = (await import(built("access/decider.js"))) as { toVerdict: typeof toVerdict };

const subscription = `/subscriptions/${randomUUID()}`;
const group = `${subscription}/resourceGroups/bench`;
const vaultAt = (name: string): string => `${group}/providers/Microsoft.KeyVault/vaults/${name}`;
const secret = `${vaultAt("bench")}/secrets/s`;
const around = [subscription, group, vaultAt("bench"), secret];
const caller = randomUUID();
const index = new access.AccessIndex();
const role = index.definitions().find(({ roleName }) => roleName === "Key Vault Secrets User");
if (role === undefined) throw new Error("There is no role Key Vault Secrets User.");

const assign = (principalId: string, scope: string): void => {
  const name = randomUUID();
  index.putAssignment({
    id: `${scope}/providers/Microsoft.Authorization/roleAssignments/${name}`,
    name,
    scope,
    roleDefinitionId: `${subscription}/providers/Microsoft.Authorization/roleDefinitions/${role.name}`,
    principalId,
    principalType: "ServicePrincipal",
  });
};
if (question === "allowed") assign(caller, vaultAt("bench"));
for (let each = index.assignments().length; each < Number(assignments); each += 1)
  if (each % 10 === 1) assign(caller, vaultAt(`other-${randomUUID()}`));
  else assign(randomUUID(), around[each % around.length] ?? group);

const query = {
  principalId: caller,
  groupIds: [randomUUID(), randomUUID()],
  kind: "data",
  action: "Microsoft.KeyVault/vaults/secrets/getSecret/action",
  scope: secret,
  now: Date.now(),
} as const;
const check = (): boolean => decider.toVerdict(index, query, index.check(query)).allowed;
if (check() !== (question === "allowed")) throw new Error(`The check is not ${question}.`);

const count = (milliseconds: number): number => {
  const began = performance.now();
  let done = 0;
  for (; performance.now() - began < milliseconds; done += 1) check();
  return ((performance.now() - began) / done) * 1000;
};
count(500);
console.log(count(1500));
