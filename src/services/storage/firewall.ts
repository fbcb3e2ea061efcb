import { BlockList, isIPv4 } from "node:net";
import { type JsonObject, objectOf, textOf } from "../../arm/record.ts";

/**
 * The account's firewall: `publicNetworkAccess` and the IP rules of `networkAcls`. Which network a client is in is not
 * known on one machine, so virtual network rules let nobody in.
 * Source: learn.microsoft.com/azure/storage/common/storage-network-security
 */
export const firewallOf = (properties: JsonObject): ((address: string) => boolean) => {
  if (textOf(properties["publicNetworkAccess"]).toLowerCase() === "disabled") return () => false;
  const acls = objectOf(properties["networkAcls"]);
  if (textOf(acls["defaultAction"]).toLowerCase() !== "deny") return () => true;
  const allowed = new BlockList();
  for (const rule of Array.isArray(acls["ipRules"]) ? acls["ipRules"] : []) {
    const [address = "", bits] = textOf(objectOf(rule)["value"]).split("/");
    if (!isIPv4(address)) continue;
    const prefix = Number(bits ?? 32);
    if (Number.isInteger(prefix) && prefix >= 0 && prefix <= 32) allowed.addSubnet(address, prefix, "ipv4");
  }
  return (address) => isIPv4(address) && allowed.check(address, "ipv4");
};
