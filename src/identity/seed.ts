import type { Clock } from "../kernel/clock.ts";
import type { Ids } from "../kernel/ids.ts";
import type { Directory } from "./directory.ts";
import { globalAdministrator } from "./directory-roles.ts";
import { graphAppId } from "./graph-resource.ts";
import type { TenantInfo } from "./tenant.ts";

const tenYears = 10 * 365 * 86_400_000;

/**
 * The seeded developer: a user, and the app whose service principal the developer's shell signs in with. The app comes
 * last and marks the seeding as done, so that a crash in between repeats it.
 */
export const seedDeveloper = async (options: {
  readonly info: TenantInfo;
  readonly directory: Directory;
  readonly ids: Ids;
  readonly clock: Clock;
}): Promise<void> => {
  const { info, directory, ids, clock } = options;
  // Who makes a tenant is its Global Administrator, by an ordinary assignment (ADR 8).
  const directoryRoles = [globalAdministrator];
  if ((await directory.application(info.developerAppId)) !== undefined) {
    const principal = await directory.servicePrincipal(info.developerAppId);
    // State of a version that had no directory roles; one whose role was taken away has an empty list.
    if (principal !== undefined && principal.directoryRoles === undefined)
      await directory.put({ ...principal, directoryRoles });
    return;
  }
  await directory.put({
    kind: "User",
    objectId: info.developerUserId,
    userPrincipalName: `developer@${info.domain}`,
    displayName: "Developer",
  });
  await directory.put({
    kind: "ServicePrincipal",
    objectId: info.developerServicePrincipalId,
    appId: info.developerAppId,
    displayName: "lanyard-developer",
    servicePrincipalType: "Application",
    // An ordinary grant, as an administrator would consent to: `az role assignment create --assignee` looks names up.
    appRoles: [{ resourceAppId: graphAppId, value: "Directory.Read.All" }],
    directoryRoles,
  });
  await directory.putApplication({
    appId: info.developerAppId,
    objectId: ids.guid(),
    displayName: "lanyard-developer",
    secrets: [{ keyId: ids.guid(), value: ids.bytes(32).toString("base64url"), expires: clock.now() + tenYears }],
  });
};
