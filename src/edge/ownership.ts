import type { Eventually } from "../kernel/eventually.ts";
import type { Reply } from "../kernel/message.ts";
import { edgeReply } from "../wire/node-http.ts";

/**
 * Whose a host is: the tenant's (served here), Azure's but nothing the tenant has (refused), or somebody else's
 * (tunnelled untouched).
 */
export type Ownership = "tenant" | "azure-unknown" | "foreign";

export type Owner = (host: string) => Eventually<Ownership>;

/** Why a host that is not the tenant's is not answered, in words that name the way out. */
export const strangerReply = (host: string, ownership: Ownership): Reply =>
  ownership === "azure-unknown"
    ? edgeReply(
        403,
        "HostNotInTenant",
        `${host} is an Azure host name that this tenant does not have, and Lanyard never sends traffic for Azure to the real one. Check the spelling, create the resource, or let the host through with --passthrough ${host}.`,
        { "x-lanyard-hint": `no resource of this tenant answers as ${host}` },
      )
    : edgeReply(421, "UnknownHost", `This tenant does not serve ${host}.`);
