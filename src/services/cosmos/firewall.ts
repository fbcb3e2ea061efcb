import { BlockList, isIPv4 } from "node:net";
import { type JsonObject, objectOf, textOf } from "../../arm/record.ts";

/** An address or a range of them, `203.0.113.0/24`; undefined: neither. */
export const rangeOf = (text: string): readonly [address: string, bits: number] | undefined => {
  const [address = "", bits = "32", more] = text.trim().split("/");
  if (more !== undefined || !isIPv4(address) || !/^(?:[12]?\d|3[0-2])$/.test(bits)) return undefined;
  return [address, Number(bits)];
};

/** The ranges of `ipRules`. */
export const ipRulesOf = (properties: JsonObject): readonly string[] => {
  const rules = properties["ipRules"];
  return (Array.isArray(rules) ? rules : []).map((rule) => textOf(objectOf(rule)["ipAddressOrRange"]));
};

/**
 * The account's firewall: `publicNetworkAccess`, `ipRules` and `isVirtualNetworkFilterEnabled`. Which network a client is in,
 * and whether it is a service of Azure's, is not known on one machine: virtual network rules, private endpoints, the bypass
 * and the rule 0.0.0.0 (Azure's data centres) let nobody in.
 * Source: learn.microsoft.com/azure/cosmos-db/how-to-configure-firewall
 */
export const firewallOf = (properties: JsonObject): ((address: string) => boolean) => {
  const access = textOf(properties["publicNetworkAccess"]).toLowerCase();
  if (access === "disabled" || access === "securedbyperimeter") return () => false;
  const rules = ipRulesOf(properties);
  if (rules.length === 0 && properties["isVirtualNetworkFilterEnabled"] !== true) return () => true;
  const allowed = new BlockList();
  for (const rule of rules) {
    const range = rangeOf(rule);
    // As a single address it stands for Azure's data centres; a range is what it says.
    if (range === undefined || (range[0] === "0.0.0.0" && range[1] === 32)) continue;
    allowed.addSubnet(range[0], range[1], "ipv4");
  }
  return (remote) => {
    const address = remote.replace(/^::ffff:/i, "");
    return isIPv4(address) && allowed.check(address, "ipv4");
  };
};
