import { invocationRequest } from "../kernel/invocation.ts";
import type { Method } from "../kernel/message.ts";
import type { Tenant } from "../tenant.ts";

export interface ArmAnswer {
  readonly status: number;
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into answers, and every resource type has its own
  readonly body: any;
}

export type Arm = (method: Method, path: string, body?: unknown) => Promise<ArmAnswer>;

/** Azure Resource Manager with the rights of the developer's service principal, through the kernel's whole chain. */
export const developerArm =
  (tenant: Tenant): Arm =>
  async (method, path, json) => {
    const principal = await tenant.directory.servicePrincipal(tenant.info.developerAppId);
    if (principal === undefined) throw new Error("The tenant's developer is missing from its directory.");
    const audience = "https://management.azure.com/";
    const { token } = await tenant.issuer.issue({ principal, audience, proof: "secret" });
    const headers = { authorization: `Bearer ${token}` };
    const { status, body } = await tenant.kernel.handle(
      invocationRequest({ method, host: "management.azure.com", path, json, headers }),
    );
    return { status, body: body !== undefined && "json" in body ? body.json : undefined };
  };
