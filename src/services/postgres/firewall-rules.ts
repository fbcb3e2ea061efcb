import { objectOf, textOf } from "../../arm/record.ts";
import type { Change, Draft, ResourceType } from "../../arm/resource-type.ts";
import { postgresFault } from "./faults.ts";
import { apiVersions, serverType } from "./flexible-servers.ts";

const octet = "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
const ipv4 = new RegExp(`^${octet}(?:\\.${octet}){3}$`);

const order = (address: string): number => address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);

const draft = ({ body, existing }: Change): Draft => {
  const asked = { ...objectOf(existing?.properties), ...objectOf(body["properties"]) };
  const [start, end] = [textOf(asked["startIpAddress"]), textOf(asked["endIpAddress"])];
  for (const [name, address] of [
    ["startIpAddress", start],
    ["endIpAddress", end],
  ] as const)
    if (!ipv4.test(address)) throw postgresFault("invalidParameter", { name, why: "Use an IPv4 address." });
  if (order(start) > order(end))
    throw postgresFault("invalidParameter", { name: "endIpAddress", why: "It lies before startIpAddress." });
  return { properties: { startIpAddress: start, endIpAddress: end } };
};

/** `.../firewallRules`: kept and shown. The front door listens on loopback only and tells no addresses apart. */
export const firewallRules = (): ResourceType => ({
  type: `${serverType}/firewallRules`,
  apiVersions,
  at: "group",
  tracked: false,
  nameRule: { pattern: /^[\w-]{1,128}$/, text: "Use up to 128 letters, digits, underscores and hyphens." },
  codes: { created: 202, updated: 202, deleted: 202 },
  write: draft,
});
