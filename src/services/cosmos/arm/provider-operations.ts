import type { Resources } from "../../../arm/resources.ts";
import type { ArmTarget } from "../../../arm/resource-type.ts";
import { empty } from "../../../kernel/message.ts";
import { type AnyOperation, operationsOf } from "../../../kernel/operation.ts";
import { accountType } from "../accounts.ts";

const operation = operationsOf<ArmTarget, never, never>();

/** Operations of the provider that are no resource's. */
export const providerOperations = (resources: Pick<Resources, "named">): readonly AnyOperation<ArmTarget>[] => [
  operation({
    name: "DatabaseAccounts_CheckNameExists",
    method: "HEAD",
    path: "/providers/microsoft.documentdb/databaseaccountnames/:name",
    needs: { open: "whether a name is taken shows in DNS as well; the address names no subscription" },
    handle: async ({ parameters }) =>
      empty((await resources.named(accountType, parameters.name)) === undefined ? 404 : 200),
  }),
];
