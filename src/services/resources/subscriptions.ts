import type { ArmContext } from "../../arm/context.ts";
import { armFault } from "../../arm/faults.ts";
import type { ArmTarget } from "../../arm/resource-type.ts";
import { callerId } from "../../arm/write.ts";
import { empty, json } from "../../kernel/message.ts";
import { type AnyOperation, operationsOf } from "../../kernel/operation.ts";
import { requireSubscription, subscriptionScope } from "./groups.ts";
import { locations } from "./locations.ts";

const operation = operationsOf<ArmTarget, "Microsoft.Resources/subscriptions/read", never>();
const reading = "any valid token; the answer holds what the caller has an assignment for";

/** Tenants, subscriptions, locations, and the polls of long-running operations. */
export const subscriptionOperations = (context: ArmContext): readonly AnyOperation<ArmTarget>[] => {
  const { tenant } = context;
  const subscription = {
    id: `/subscriptions/${tenant.subscriptionId}`,
    authorizationSource: "RoleBased",
    managedByTenants: [],
    subscriptionId: tenant.subscriptionId,
    tenantId: tenant.tenantId,
    displayName: tenant.subscriptionName,
    state: "Enabled",
    subscriptionPolicies: {
      locationPlacementId: "Public_2014-09-01",
      quotaId: "PayAsYouGo_2014-09-01",
      spendingLimit: "Off",
    },
  };
  return [
    operation({
      name: "Tenants_List",
      method: "GET",
      path: "/tenants",
      needs: { open: reading },
      handle: (call) => {
        requirePrincipal(call.caller.kind);
        return json({
          value: [
            {
              id: `/tenants/${tenant.tenantId}`,
              tenantId: tenant.tenantId,
              countryCode: "US",
              displayName: tenant.displayName,
              domains: [tenant.domain],
              tenantCategory: "Home",
              defaultDomain: tenant.domain,
              tenantType: "AAD",
            },
          ],
        });
      },
    }),
    operation({
      name: "Subscriptions_List",
      method: "GET",
      path: "/subscriptions",
      needs: { open: reading },
      handle: async (call) => {
        requirePrincipal(call.caller.kind);
        // A right on one group, or on what is in it, shows the subscription, too.
        const visible = await call.permits(
          { kind: "action", name: "Microsoft.Resources/subscriptions/read", scope: subscription.id },
          "around",
        );
        return json({ value: visible ? [subscription] : [], count: { type: "Total", value: visible ? 1 : 0 } });
      },
    }),
    operation({
      name: "Subscriptions_Get",
      method: "GET",
      path: "/subscriptions/:subscriptionid",
      needs: { action: "Microsoft.Resources/subscriptions/read", at: subscriptionScope },
      handle: (call) => {
        requireSubscription(call, context);
        return json(subscription);
      },
    }),
    operation({
      name: "Subscriptions_ListLocations",
      method: "GET",
      path: "/subscriptions/:subscriptionid/locations",
      needs: { action: "Microsoft.Resources/subscriptions/read", at: subscriptionScope },
      handle: (call) => {
        requireSubscription(call, context);
        return json({
          value: locations.map(({ name, displayName }) => ({
            id: `/subscriptions/${tenant.subscriptionId}/locations/${name}`,
            name,
            type: "Region",
            displayName,
            regionalDisplayName: `(US) ${displayName}`,
            metadata: { regionType: "Physical", regionCategory: "Recommended", geography: "United States" },
          })),
        });
      },
    }),
    ...(["operationresults", "operationstatuses"] as const).map((kind) =>
      operation({
        name: kind === "operationresults" ? "OperationResults_Get" : "OperationStatuses_Get",
        method: "GET",
        path: `/subscriptions/:subscriptionid/${kind}/:operationid`,
        needs: { open: "only whoever started the operation may poll it; checked against the record" },
        handle: async (call) => {
          requirePrincipal(call.caller.kind);
          const found = await context.longRunning.poll(call.parameters.operationid, callerId(call));
          if (found === undefined) throw armFault("notFound", { path: call.request.rawPath });
          const running = found.status === "InProgress";
          if (kind === "operationresults") {
            if (found.error !== undefined) throw armFault("conflict", { why: found.error.message });
            return empty(running ? 202 : 200, running ? { "retry-after": "1" } : {});
          }
          return json(
            {
              id: `/subscriptions/${tenant.subscriptionId}/operationstatuses/${found.id}`,
              name: found.id,
              status: found.status,
              startTime: new Date(found.started).toISOString(),
              ...(found.ended === undefined ? {} : { endTime: new Date(found.ended).toISOString() }),
              ...(found.error === undefined ? {} : { error: found.error }),
            },
            200,
            running ? { "retry-after": "1" } : {},
          );
        },
      }),
    ),
  ];
};

/** The open operations still want a token: without one ARM answers its 401. */
const requirePrincipal = (kind: string): void => {
  if (kind !== "principal" && kind !== "platform") throw armFault("missingToken");
};
