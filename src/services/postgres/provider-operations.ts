/** Operations of Microsoft.DBforPostgreSQL that are no resource's. Source: az-cli.md 4.2. */
import { isObject, textOf } from "../../arm/record.ts";
import type { Resources } from "../../arm/resources.ts";
import type { ArmTarget } from "../../arm/resource-type.ts";
import type { Call } from "../../kernel/call.ts";
import { json, type Reply } from "../../kernel/message.ts";
import { type AnyOperation, operationsOf } from "../../kernel/operation.ts";
import { serverNameRule, serverType } from "./flexible-servers.ts";

type Action =
  | "Microsoft.DBforPostgreSQL/checkNameAvailability/action"
  | "Microsoft.DBforPostgreSQL/locations/checkNameAvailability/action"
  | "Microsoft.DBforPostgreSQL/locations/capabilities/read";

const operation = operationsOf<ArmTarget, Action, never>();

const checkName = async (call: Pick<Call, "body">, resources: Resources): Promise<Reply> => {
  const body = await call.body.json();
  const name = isObject(body) ? textOf(body["name"]) : "";
  const answer = { name, type: serverType };
  if (!serverNameRule.pattern.test(name))
    return json({ ...answer, nameAvailable: false, reason: "Invalid", message: serverNameRule.text });
  if ((await resources.named(serverType, name)) === undefined)
    return json({ ...answer, nameAvailable: true, message: "" });
  const message = `Specified server name '${name}' is already used.`;
  return json({ ...answer, nameAvailable: false, reason: "AlreadyExists", message });
};

/** Compute sizes of an edition: name, virtual cores, memory per core in MB. */
const editions = {
  Burstable: [
    ["Standard_B1ms", 1, 2048],
    ["Standard_B2s", 2, 2048],
    ["Standard_B2ms", 2, 4096],
    ["Standard_B4ms", 4, 4096],
  ],
  GeneralPurpose: [
    ["Standard_D2s_v3", 2, 4096],
    ["Standard_D4s_v3", 4, 4096],
    ["Standard_D2ds_v4", 2, 4096],
    ["Standard_D4ds_v4", 4, 4096],
    ["Standard_D2ds_v5", 2, 4096],
    ["Standard_D4ds_v5", 4, 4096],
  ],
  MemoryOptimized: [
    ["Standard_E2s_v3", 2, 8192],
    ["Standard_E2ds_v4", 2, 8192],
    ["Standard_E2ds_v5", 2, 8192],
  ],
} as const;

const versions = ["11", "12", "13", "14", "15", "16", "17", "18"];

const storageGigabytes = [32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16_384];

/** az 2.45 reads `supportedServerVersions[].supportedVcores`, newer clients `supportedServerSkus`: both are there. */
const capabilities = (): unknown => {
  const supported = Object.entries(editions).map(([name, sizes]) => {
    const skus = sizes.map(([sku, vCores, supportedMemoryPerVcoreMb]) => ({
      name: sku,
      vCores,
      supportedIops: 500,
      supportedMemoryPerVcoreMb,
      supportedMemoryPerVcoreMB: supportedMemoryPerVcoreMb,
      supportedZones: ["1"],
      supportedHaMode: [],
      status: "Available",
    }));
    return {
      name,
      status: name === "Burstable" ? "Default" : "Available",
      defaultSkuName: sizes[0][0],
      supportedStorageEditions: [
        {
          name: "ManagedDisk",
          supportedStorageMB: storageGigabytes.map((size) => ({
            storageSizeMB: size * 1024,
            name: `P${size}`,
            supportedIops: 500,
          })),
          supportedStorageMb: storageGigabytes.map((size) => ({ storageSizeMb: size * 1024, supportedIops: 500 })),
          defaultStorageSizeMb: 32_768,
        },
      ],
      supportedServerVersions: versions.map((version) => ({
        name: version,
        supportedVcores: skus.map(({ name: sku, vCores }) => ({ name: sku, vCores, supportedIops: 500 })),
      })),
      supportedServerSkus: skus,
    };
  });
  return {
    value: [
      {
        name: "FlexibleServerCapabilities",
        zone: "none",
        status: "Available",
        supportedHAMode: [],
        geoBackupSupported: false,
        zoneRedundantHaSupported: false,
        supportedFlexibleServerEditions: supported,
        supportedServerEditions: supported,
        supportedServerVersions: versions.map((name) => ({
          name,
          status: "Available",
          supportedVersionsToUpgrade: [],
        })),
        supportedFastProvisioningEditions: [],
        supportedFeatures: [],
      },
    ],
  };
};

const subscription = (call: { readonly parameters: { readonly subscriptionid: string } }): string =>
  `/subscriptions/${call.parameters.subscriptionid}`;

export const postgresOperations = (resources: Resources): readonly AnyOperation<ArmTarget>[] => [
  operation({
    name: "NameAvailability_CheckGlobally",
    method: "POST",
    path: "/subscriptions/:subscriptionid/providers/microsoft.dbforpostgresql/checknameavailability",
    bodyLimit: 64 * 1024,
    needs: { action: "Microsoft.DBforPostgreSQL/checkNameAvailability/action", at: subscription },
    handle: (call) => checkName(call, resources),
  }),
  operation({
    name: "NameAvailability_CheckWithLocation",
    method: "POST",
    path: "/subscriptions/:subscriptionid/providers/microsoft.dbforpostgresql/locations/:location/checknameavailability",
    bodyLimit: 64 * 1024,
    needs: { action: "Microsoft.DBforPostgreSQL/locations/checkNameAvailability/action", at: subscription },
    handle: (call) => checkName(call, resources),
  }),
  operation({
    name: "CapabilitiesByLocation_List",
    method: "GET",
    path: "/subscriptions/:subscriptionid/providers/microsoft.dbforpostgresql/locations/:location/capabilities",
    needs: { action: "Microsoft.DBforPostgreSQL/locations/capabilities/read", at: subscription },
    handle: () => json(capabilities()),
  }),
];
