/** What ARM accepts as `aud`: exactly these four spellings (access.md 5.4). Kudu takes the same tokens. */
export const managementAudiences: readonly string[] = [
  "https://management.core.windows.net/",
  "https://management.core.windows.net",
  "https://management.azure.com/",
  "https://management.azure.com",
];
