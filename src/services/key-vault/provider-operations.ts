import type { ArmContext } from "../../arm/context.ts";
import { accepted } from "../../arm/accepted.ts";
import { isObject, type JsonObject, textOf } from "../../arm/record.ts";
import type { ArmCall, ArmTarget } from "../../arm/resource-type.ts";
import { json } from "../../kernel/message.ts";
import { type AnyOperation, operationsOf } from "../../kernel/operation.ts";
import { keyVaultArmFault } from "./faults.ts";
import type { DeletedVault, Graveyard } from "./graveyard.ts";
import { vaultType } from "./vault.ts";
import { vaultNameRule } from "./vault-type.ts";

const provider = "Microsoft.KeyVault";
type Action =
  | `${typeof provider}/deletedVaults/read`
  | `${typeof provider}/deletedManagedHSMs/read`
  | `${typeof provider}/locations/deletedVaults/${"read" | "purge/action"}`
  | `${typeof provider}/checkNameAvailability/read`;

const operation = operationsOf<ArmTarget, Action, never>();

const shown = ({ record, at, purgeAt }: DeletedVault, subscription: string): JsonObject => ({
  id: `/subscriptions/${subscription}/providers/${provider}/locations/${record.location ?? ""}/deletedVaults/${record.name}`,
  name: record.name,
  type: `${provider}/deletedVaults`,
  properties: {
    vaultId: record.id,
    location: record.location ?? "",
    tags: record.tags ?? {},
    deletionDate: new Date(at).toISOString(),
    scheduledPurgeDate: new Date(purgeAt).toISOString(),
    ...(record.properties["enablePurgeProtection"] === true ? { purgeProtectionEnabled: true } : {}),
  },
});

const base = "/subscriptions/:subscriptionid/providers/microsoft.keyvault";
const subscriptionAt = (call: { readonly parameters: { readonly subscriptionid: string } }): string =>
  `/subscriptions/${call.parameters.subscriptionid}`;

/** Operations of the provider that are no resource's: deleted vaults and the check of names. */
export const keyVaultArmOperations = (
  context: ArmContext,
  graveyard: Graveyard,
): readonly AnyOperation<ArmTarget>[] => {
  const requireBuried = async (location: string, name: string): Promise<DeletedVault> => {
    const found = await graveyard.find(name);
    if (found?.record.location !== location.toLowerCase().replaceAll(" ", ""))
      throw keyVaultArmFault("deletedNotFound", { name, location });
    return found;
  };
  const { subscriptionId } = context.tenant;
  return [
    operation({
      name: "Vaults_ListDeleted",
      method: "GET",
      path: `${base}/deletedvaults`,
      needs: { action: `${provider}/deletedVaults/read`, at: subscriptionAt },
      handle: async () => json({ value: (await graveyard.all()).map((each) => shown(each, subscriptionId)) }),
    }),
    // `az keyvault list-deleted` and `purge` ask for both kinds. Managed HSMs cannot be made here, so none was deleted.
    operation({
      name: "ManagedHsms_ListDeleted",
      method: "GET",
      path: `${base}/deletedmanagedhsms`,
      needs: { action: `${provider}/deletedManagedHSMs/read`, at: subscriptionAt },
      handle: () => json({ value: [] }),
    }),
    operation({
      name: "Vaults_GetDeleted",
      method: "GET",
      path: `${base}/locations/:location/deletedvaults/:name`,
      needs: { action: `${provider}/locations/deletedVaults/read`, at: subscriptionAt },
      handle: async ({ parameters: { location, name } }) =>
        json(shown(await requireBuried(location, name), subscriptionId)),
    }),
    operation({
      name: "Vaults_PurgeDeleted",
      method: "POST",
      path: `${base}/locations/:location/deletedvaults/:name/purge`,
      needs: { action: `${provider}/locations/deletedVaults/purge/action`, at: subscriptionAt },
      bodyLimit: 64 * 1024,
      handle: async (call) => {
        const { location, name } = call.parameters;
        const { record } = await requireBuried(location, name);
        // In the vault's turn: one that is being recovered meanwhile would come back to nothing.
        await context.resources.inTurn(record.id, async () => {
          const { properties } = (await requireBuried(location, name)).record;
          if (properties["enablePurgeProtection"] === true) throw keyVaultArmFault("purgeNotAllowed");
          await graveyard.purge(name);
        });
        return accepted(context, { resourceId: record.id, startedBy: startedBy(call) });
      },
    }),
    operation({
      name: "Vaults_CheckNameAvailability",
      method: "POST",
      path: `${base}/checknameavailability`,
      needs: { action: `${provider}/checkNameAvailability/read`, at: subscriptionAt },
      bodyLimit: 64 * 1024,
      handle: async (call) => {
        const body = await call.body.json();
        const name = isObject(body) ? textOf(body["name"]) : "";
        if (!vaultNameRule.pattern.test(name))
          return json({ nameAvailable: false, reason: "AccountNameInvalid", message: vaultNameRule.text });
        const taken =
          (await context.resources.named(vaultType, name)) !== undefined || (await graveyard.find(name)) !== undefined;
        return json(
          taken
            ? { nameAvailable: false, reason: "AlreadyExists", message: `The vault name '${name}' is already in use.` }
            : { nameAvailable: true },
        );
      },
    }),
  ];
};

const startedBy = (call: Pick<ArmCall, "caller">): string =>
  call.caller.kind === "principal" ? call.caller.objectId : call.caller.kind;
