/** Zip deploy and OneDeploy (app-service.md 3.2). */
import type { Call } from "../../../kernel/call.ts";
import { queryValue, type Reply } from "../../../kernel/message.ts";
import { type AnyOperation, operationsOf } from "../../../kernel/operation.ts";
import { type Deployments, status } from "../deployments.ts";
import { kuduFault } from "../faults.ts";
import { scmHostOf } from "../site.ts";
import type { KuduTarget } from "./authenticate.ts";

export type KuduAction = "Microsoft.Web/sites/publish/action";

/** Azure's limit for zip deploy: 2048 MB. */
const maxArchive = 2048 * 1024 * 1024;

const operation = operationsOf<KuduTarget, KuduAction, never>();
export const publish = { action: "Microsoft.Web/sites/publish/action" } as const;

const flag = (call: Pick<Call, "request">, name: string, otherwise: boolean): boolean => {
  const value = queryValue(call.request, name)?.toLowerCase();
  return value === undefined || value === "" ? otherwise : value === "true" || value === "1";
};

/** `2026-06-15_08-22-51Z`, as Kudu writes times into addresses. */
const addressTime = (milliseconds: number): string =>
  `${new Date(milliseconds).toISOString().slice(0, 19).replace("T", "_").replaceAll(":", "-")}Z`;

/** What cannot be deployed here is refused before the body is read. */
const checkPush = (call: Call<KuduTarget>): void => {
  const type = call.request.header("content-type") ?? "";
  const remote = call.target.site.settings["WEBSITE_RUN_FROM_PACKAGE"] ?? call.target.site.settings["WEBSITE_USE_ZIP"];
  if (remote !== undefined && /^https?:/i.test(remote)) throw kuduFault("runFromRemotePackage");
  if (/^application\/json/i.test(type)) throw kuduFault("notBuilt", { what: "Deployment from a packageUri" });
  if (/^multipart\//i.test(type)) throw kuduFault("notBuilt", { what: "Zip deploy as multipart/form-data" });
};

const push = async (
  call: Call<KuduTarget>,
  deployments: Deployments,
  options: { readonly asynchronous: boolean; readonly restart: boolean },
): Promise<Reply> => {
  checkPush(call);
  const { site } = call.target;
  const text = (name: string, otherwise: string): string => queryValue(call.request, name)?.slice(0, 500) || otherwise;
  const deployer = text("deployer", "Push-Deployer");
  const { deployment, done } = await deployments.begin(site, call.body.stream(), {
    author: text("author", "N/A"),
    authorEmail: text("authorEmail", "N/A"),
    deployer,
    message: text("message", "Created via a push deployment"),
    restart: options.restart,
  });
  if (options.asynchronous) {
    const query = new URLSearchParams({ deployer, time: addressTime(deployment.received) }).toString();
    return {
      status: 202,
      headers: {
        Location: `https://${scmHostOf(site.name)}/api/deployments/latest?${query}`,
        "SCM-DEPLOYMENT-ID": deployment.id,
      },
    };
  }
  const ended = await done;
  if (ended.status === status.success) return { status: 200 };
  // Kudu answers 500 for a failed build (app-service.md 3.2); an archive that we refuse is the sender's to change.
  return {
    status: ended.unacceptable === true ? 400 : 500,
    body: { text: ended.statusText, type: "text/plain; charset=utf-8" },
  };
};

const oneDeployTypes = new Set(["war", "jar", "ear", "lib", "static", "startup", "script"]);

const checkOneDeploy = (call: Call<KuduTarget>): void => {
  const type = queryValue(call.request, "type")?.toLowerCase() ?? "";
  if (type === "zip") {
    if (queryValue(call.request, "path") !== undefined)
      throw kuduFault("notBuilt", { what: "OneDeploy of a zip into a sub-directory" });
    if (!flag(call, "clean", true)) throw kuduFault("notBuilt", { what: "OneDeploy of a zip with clean=false" });
    return;
  }
  if (!oneDeployTypes.has(type)) throw kuduFault("unknownType", { type: type.slice(0, 40) });
  if (["war", "jar", "ear"].includes(type)) throw kuduFault("unsupportedType", { type });
  throw kuduFault("notBuilt", { what: `OneDeploy with type=${type}` });
};

export const pushOperations = (deployments: Deployments): readonly AnyOperation<KuduTarget>[] => [
  ...(["/api/zipdeploy", "/zipdeploy"] as const).map((path) =>
    operation({
      name: "ZipDeploy",
      method: ["POST", "PUT"],
      path,
      bodyLimit: maxArchive,
      needs: publish,
      handle: (call) => push(call, deployments, { asynchronous: flag(call, "isAsync", false), restart: true }),
    }),
  ),
  operation({
    name: "OneDeploy",
    method: ["POST", "PUT"],
    path: "/api/publish",
    bodyLimit: maxArchive,
    needs: publish,
    handle: (call) => {
      checkOneDeploy(call);
      return push(call, deployments, {
        asynchronous: flag(call, "async", false),
        restart: flag(call, "restart", true),
      });
    },
  }),
];
