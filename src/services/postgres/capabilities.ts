/** What a location offers: sizes, disks, versions, features. Sources: az-cli.md 4.2; what az 2.91 reads. */

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

/** Disk sizes in GiB, with the performance tier and IOPS that each has by itself. */
const disks = [
  [32, "P4", 120],
  [64, "P6", 240],
  [128, "P10", 500],
  [256, "P15", 1100],
  [512, "P20", 2300],
  [1024, "P30", 5000],
  [2048, "P40", 7500],
  [4096, "P50", 7500],
  [8192, "P60", 16_000],
  [16_384, "P70", 18_000],
] as const;

/**
 * az 2.91 takes a location without `OfferRestricted` among its features for one where nothing may be created. What a
 * real server has and this one has not (standby, backups elsewhere, tuning) is said to be disabled.
 */
const features = {
  OfferRestricted: "Disabled",
  FastProvisioning: "Disabled",
  GeoBackup: "Disabled",
  IndexTuning: "Disabled",
  OnlineResize: "Enabled",
  StorageAutoGrowth: "Enabled",
  ZoneRedundantHa: "Disabled",
} as const;

/** az 2.45 reads `supportedServerVersions[].supportedVcores`, newer clients `supportedServerSkus`: both are there. */
export const capabilities = (): unknown => {
  const supported = Object.entries(editions).map(([name, sizes]) => {
    const skus = sizes.map(([sku, vCores, supportedMemoryPerVcoreMb]) => ({
      name: sku,
      vCores,
      supportedIops: 500,
      supportedMemoryPerVcoreMb,
      supportedMemoryPerVcoreMB: supportedMemoryPerVcoreMb,
      supportedZones: ["1"],
      supportedHaMode: [],
      supportedFeatures: [],
      status: "Available",
    }));
    return {
      name,
      status: name === "Burstable" ? "Default" : "Available",
      defaultSkuName: sizes[0][0],
      supportedStorageEditions: [
        {
          name: "ManagedDisk",
          supportedStorageMB: disks.map(([size, tier, iops]) => ({
            storageSizeMB: size * 1024,
            name: tier,
            supportedIops: iops,
          })),
          supportedStorageMb: disks.map(([size, tier, iops]) => ({
            storageSizeMb: size * 1024,
            supportedIops: iops,
            defaultIopsTier: tier,
            supportedIopsTiers: [{ name: tier, iops }],
          })),
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
        supportedFeatures: Object.entries(features).map(([name, status]) => ({ name, status })),
      },
    ],
  };
};
