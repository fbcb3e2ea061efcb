import type { Caller } from "../../kernel/caller.ts";
import type { Verdict } from "../../kernel/decision.ts";
import type { Decider } from "../../kernel/service.ts";

/**
 * The least privileged permission of each read, and the higher ones that include it.
 * Source: the permission tables of each page below learn.microsoft.com/graph/api.
 */
const includedIn = {
  "User.Read.All": ["User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"],
  "GroupMember.Read.All": ["Group.Read.All", "Group.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"],
  "Application.Read.All": ["Application.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"],
  "Directory.Read.All": ["Directory.ReadWrite.All"],
  "Organization.Read.All": ["Organization.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"],
  "Domain.Read.All": ["Domain.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"],
} as const satisfies Record<string, readonly string[]>;

export type GraphPermission = keyof typeof includedIn;

/** Delegated: the app acts with all the rights of the user, and members read the directory by default. */
const actingAsUser = "Directory.AccessAsUser.All";

/** Graph's own authority: the permissions frozen in the token. Azure roles mean nothing here. */
export const graphPermissions: Decider<unknown> = {
  name: "Microsoft Graph permissions",
  applies: (caller) => caller.kind === "principal",
  decide: ({ caller, need }): Verdict => {
    const wanted = need.name as GraphPermission;
    const sufficient: readonly string[] = [wanted, ...includedIn[wanted]];
    const held = heldBy(caller).find(
      (name) =>
        sufficient.includes(name) || (name === actingAsUser && caller.kind === "principal" && caller.type === "User"),
    );
    if (held !== undefined) return { allowed: true, via: `Microsoft Graph permission ${held}` };
    return {
      allowed: false,
      cause: "no-permission",
      reason: `The token carries none of the Microsoft Graph permissions ${sufficient.join(", ")}.`,
      hint: `grant the application permission ${wanted} (Microsoft Graph) to the service principal and get a new token`,
    };
  },
};

/** Application permissions stand in `roles`, delegated ones in `scp`. */
const heldBy = (caller: Caller): readonly string[] => {
  if (caller.kind !== "principal") return [];
  const { roles, scp } = caller.claims;
  if (caller.type === "User") return typeof scp === "string" ? scp.split(" ") : [];
  return Array.isArray(roles) ? roles.filter((role) => typeof role === "string") : [];
};
