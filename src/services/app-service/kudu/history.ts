/** Reading deployments and their logs (app-service.md 3.3). */
import type { Call } from "../../../kernel/call.ts";
import { json } from "../../../kernel/message.ts";
import { type AnyOperation, operationsOf } from "../../../kernel/operation.ts";
import type { Deployment, Deployments } from "../deployments.ts";
import { kuduFault } from "../faults.ts";
import { scmHostOf } from "../site.ts";
import type { KuduTarget } from "./authenticate.ts";
import { deploymentView, detailsView, isRunning, logView } from "./deployment-view.ts";
import { type KuduAction, publish } from "./push.ts";

const operation = operationsOf<KuduTarget, KuduAction, never>();

export const historyOperations = (deployments: Deployments): readonly AnyOperation<KuduTarget>[] => {
  const find = async (call: Call<KuduTarget>, id: string): Promise<Deployment> => {
    const all = await deployments.list(call.target.site.id);
    const found = id === "latest" ? all[0] : all.find((each) => each.id === id);
    if (found === undefined) throw kuduFault("noDeployment", { id: id.slice(0, 100) });
    return found;
  };
  return [
    operation({
      name: "ListDeployments",
      method: "GET",
      path: "/api/deployments",
      needs: publish,
      handle: async (call) => {
        const { site } = call.target;
        return json((await deployments.list(site.id)).map((each) => deploymentView(each, site.name)));
      },
    }),
    operation({
      name: "GetDeployment",
      method: "GET",
      path: "/api/deployments/:id",
      needs: publish,
      handle: async (call) => {
        const { site } = call.target;
        const found = await find(call, call.parameters.id);
        if (!isRunning(found)) return json(deploymentView(found, site.name));
        const view = deploymentView(found, site.name, 0);
        if (call.parameters.id !== "latest") return json(view);
        return json(view, 202, { Location: `https://${scmHostOf(site.name)}/api/deployments/latest` });
      },
    }),
    operation({
      name: "DeleteDeployment",
      method: "DELETE",
      path: "/api/deployments/:id",
      needs: publish,
      handle: async (call) => {
        const found = await find(call, call.parameters.id);
        if (found.active || isRunning(found)) throw kuduFault("activeDeployment", { id: found.id });
        await deployments.remove(found);
        return { status: 200 };
      },
    }),
    operation({
      name: "GetDeploymentLog",
      method: "GET",
      path: "/api/deployments/:id/log",
      needs: publish,
      handle: async (call) => json(logView(await find(call, call.parameters.id), call.target.site.name)),
    }),
    operation({
      name: "GetDeploymentLogDetails",
      method: "GET",
      path: "/api/deployments/:id/log/:entry",
      needs: publish,
      handle: async (call) => {
        const { log } = await find(call, call.parameters.id);
        const entry = log.find((each) => each.id === call.parameters.entry);
        if (entry === undefined) throw kuduFault("noLog", { id: call.parameters.entry.slice(0, 100) });
        return json(detailsView(entry));
      },
    }),
    operation({
      name: "IsDeploying",
      method: "GET",
      path: "/api/isdeploying",
      needs: publish,
      handle: (call) => {
        const running = deployments.running(call.target.site.id) !== undefined;
        return json({ value: running ? "True" : "False", msg: "" });
      },
    }),
  ];
};
